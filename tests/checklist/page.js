// The checklist's page in headless Chromium, checked. Run by run.sh.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");
const inside = require("./inside.js");
const { HOSTILE, checklist, provision, spoil } = require("./served.js");

const WIDTHS = [360, 390, 480, 600, 768, 900, 1024, 1280];
const SCHEMES = ["light", "dark"];
/** Whatever Chromium would do by itself, it does not. */
const FLAGS = [
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
/** As long an id as there can be. */
const LONG = "a".repeat(51) + "1";

let passed = 0;
const failures = [];

function check(what, holds, detail = "") {
  if (holds) passed += 1;
  else failures.push(`${what}${detail ? `: ${detail}` : ""}`);
}

/** The pages to look at: one in order, one with everything that is hard to show, and one of many organizations. */
async function makePages(folder) {
  await provision(["acme", "globex", LONG]);
  await spoil(LONG);
  const pages = [
    { name: "in-order", code: 0, args: ["--org", "acme", "--environment", "production"] },
    { name: "spoiled", code: 3, args: ["--org", LONG] },
    { name: "all", code: 3, args: ["--all"] },
  ];
  return pages.map(({ name, code, args }) => {
    const file = path.join(folder, `${name}.html`);
    const made = checklist(...args, "--format", "html", "--output", file);
    check(`${name}: exit code`, made.code === code, `${made.code} ${made.out}`);
    return { name, file };
  });
}

async function lookAtWidths(page, name) {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ media: "screen", colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const at = `${name}, ${colorScheme}, ${width} px`;
      const { scrolls, found } = await page.evaluate(inside.wide);
      check(`${at}: no sideways scroll`, !scrolls && found.length === 0, found.slice(0, 3).join("; "));
      await screenshot(page, `${name}-${colorScheme}-${width}`, width === 360 || width === 1280);
    }
    const { judged, seen } = await page.evaluate(inside.pale);
    check(`${name}, ${colorScheme}: there is text`, judged > 100, `${judged}`);
    check(`${name}, ${colorScheme}: contrast`, seen.length === 0, seen.slice(0, 5).join("; "));
  }
}

/** Every link and summary in turn, each visible and with a ring. */
async function lookAtKeyboard(page, name) {
  await page.emulateMedia({ media: "screen", colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
  const stops = await page.evaluate(inside.reachable);
  const seen = [];
  for (let stop = 0; stop < stops; stop += 1) {
    await page.keyboard.press("Tab");
    seen.push(await page.evaluate(inside.focused));
  }
  check(`${name}: the first stop skips to the content`, seen[0]?.words === "Skip to the content", JSON.stringify(seen[0]));
  check(`${name}: every stop can be seen`, seen.every((one) => one && one.inside && one.ring), JSON.stringify(seen));
  check(`${name}: there are as many stops as links`, new Set(seen.map((one) => one?.words)).size === stops, JSON.stringify(seen));
}

async function lookAtPrint(page, name) {
  await page.setViewportSize({ width: 718, height: 1000 });
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const style = await page.evaluate(() => ({
    ground: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(document.body).color,
    nav: [...document.querySelectorAll(".jump, .skip")].every((element) => !element.checkVisibility()),
    policies: [...document.querySelectorAll("pre")].every((element) => element.getBoundingClientRect().height > 0),
  }));
  check(`${name}: printed black on white`, style.ground === "rgb(255, 255, 255)" && style.ink === "rgb(0, 0, 0)", JSON.stringify(style));
  check(`${name}: printed without navigation`, style.nav);
  check(`${name}: printed in full`, style.policies);
  const { scrolls, found } = await page.evaluate(inside.wide);
  check(`${name}: fits the paper`, !scrolls && found.length === 0, found.slice(0, 3).join("; "));
  const { seen } = await page.evaluate(inside.pale);
  check(`${name}: contrast on paper`, seen.length === 0, seen.slice(0, 5).join("; "));
  const pdf = await page.pdf({ format: "A4" });
  check(`${name}: a PDF`, pdf.subarray(0, 5).toString() === "%PDF-" && pdf.length > 20_000, `${pdf.length} bytes`);
  if (process.env.SCREENSHOTS) fs.writeFileSync(path.join(process.env.SCREENSHOTS, `${name}.pdf`), pdf);
  await screenshot(page, `${name}-print`, true);
}

async function screenshot(page, name, wanted) {
  if (!process.env.SCREENSHOTS || !wanted) return;
  await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
}

async function lookAt(browser, { name, file }) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const address = pathToFileURL(file).href;
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(address, { waitUntil: "load" });
  const wrong = await page.evaluate(inside.outline);
  check(`${name}: the document`, wrong.length === 0, wrong.join("; "));
  await lookAtWidths(page, name);
  await lookAtKeyboard(page, name);
  await lookAtPrint(page, name);
  check(`${name}: asks nobody for anything`, asked.every((url) => url === address || url.startsWith("data:")), asked.join(" "));
  check(`${name}: nothing in the console`, said.length === 0, said.join("; "));
  if (name !== "in-order") {
    const text = await page.evaluate(() => document.body.innerText);
    check(`${name}: what looks like HTML is shown as text`, text.includes(JSON.stringify(HOSTILE).slice(1, -1)));
  }
  await context.close();
}

async function main() {
  if (process.env.SCREENSHOTS) fs.mkdirSync(process.env.SCREENSHOTS, { recursive: true });
  const pages = await makePages(process.env.SCRATCH);
  // A profile of its own, which the driver makes and removes.
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS, chromiumSandbox: false });
  try {
    for (const page of pages) await lookAt(browser, page);
  } finally {
    await browser.close();
  }
  failures.forEach((failure) => console.error(`failed: ${failure}`));
  console.log(`${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
