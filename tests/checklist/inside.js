// What is asked inside the page. Each function is sent to the browser, so it uses nothing from outside itself.
"use strict";

/** Elements that stick out of the window, and whether it scrolls sideways. */
function wide() {
  const width = document.documentElement.clientWidth;
  const found = [...document.body.querySelectorAll("*")].filter((element) => {
    const box = element.getBoundingClientRect();
    const hidden = box.left < -1000 || box.width <= 1 || getComputedStyle(element).visibility === "hidden";
    return !hidden && (box.right > width + 0.5 || box.left < -0.5);
  });
  const scrolls = document.documentElement.scrollWidth > width;
  return { scrolls, found: found.map((element) => `${element.tagName} ${element.className} ${element.textContent.slice(0, 40)}`) };
}

/** Texts whose contrast is below WCAG AA: 4.5, or 3 for large text. */
function pale() {
  const parse = (text) => {
    const numbers = text.match(/[\d.]+/g).map(Number);
    return { rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1 };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.alpha === 1) return colour.rgb;
      if (colour.alpha > 0) throw new Error("a background that is half transparent cannot be judged");
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = [];
  let judged = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest("title, desc, style") || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGElement;
    const box = drawn && element.parentElement.querySelector("rect.box");
    const ground = box ? parse(getComputedStyle(box).fill).rgb : behind(element.closest("svg") ?? element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const contrast = ratio(parse(drawn ? style.fill : style.color).rgb, ground);
    judged += 1;
    if (contrast < (large ? 3 : 4.5)) seen.push(`${contrast.toFixed(2)} ${node.textContent.trim().slice(0, 40)}`);
  }
  return { judged, seen };
}

/** What is wrong with the document itself. */
function outline() {
  const wrong = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const one = (selector) => all(selector).length === 1 || wrong.push(`not one ${selector}`);
  ["h1", "main", "header", "footer", "title:not(svg title)", "style"].forEach(one);
  if (document.documentElement.lang !== "en") wrong.push("no language");
  if (!document.title.trim() || document.title === "broken") wrong.push(`title ${document.title}`);
  const levels = all("h1, h2, h3, h4, h5, h6").map((heading) => Number(heading.tagName[1]));
  levels.forEach((level, index) => {
    if (index > 0 && level > levels[index - 1] + 1) wrong.push(`h${levels[index - 1]} is followed by h${level}`);
  });
  const ids = all("[id]").map((element) => element.id);
  if (new Set(ids).size !== ids.length) wrong.push("two elements with the same id");
  all("[aria-labelledby]").forEach((element) => {
    element.getAttribute("aria-labelledby").split(" ").forEach((id) => {
      if (!document.getElementById(id)?.textContent.trim()) wrong.push(`no label ${id}`);
    });
  });
  all("nav").forEach((nav) => nav.getAttribute("aria-label") || wrong.push("nav without a name"));
  all("svg").forEach((svg) => {
    if (svg.getAttribute("role") !== "img" || !svg.querySelector("title") || !svg.querySelector("desc")) wrong.push("svg without words");
  });
  all("img").forEach((image) => image.hasAttribute("alt") || wrong.push("img without alt"));
  all("script, iframe, object, embed, form, link[rel=stylesheet], base").forEach((element) => wrong.push(element.tagName));
  all("*").forEach((element) => {
    for (const { name, value } of element.attributes) {
      const foreign = ["src", "href", "action", "poster", "srcset"].includes(name) && !/^(#|data:)/.test(value);
      if (name.startsWith("on") || foreign) wrong.push(`${element.tagName} ${name}=${value}`);
    }
  });
  all('a[href^="#"]').forEach((link) => document.getElementById(link.hash.slice(1)) || wrong.push(`nothing at ${link.hash}`));
  if (/url\((?!["']?data:)|@import/.test(all("style")[0].textContent)) wrong.push("a style that asks for something");
  return wrong;
}

/** What has the focus: its words, where it is, and whether that can be seen. */
function focused() {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const inside = box.width > 1 && box.height > 1 && box.left >= 0 && box.right <= innerWidth + 1;
  return { words: element.textContent.trim(), inside, ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
}

/** What can be reached with the keyboard. */
function reachable() {
  return [...document.querySelectorAll("a[href], summary")].filter((element) => element.checkVisibility()).length;
}

module.exports = { focused, outline, pale, reachable, wide };
