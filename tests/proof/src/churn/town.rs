//! A town: organizations that share an account, each with its own story, settled together and looked at after each
//! settlement.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use contract::ErrorCode;
use fastrand::Rng;
use futures_util::future::join_all;
use local_aws::{Clock, LocalAws, World};
use local_system::{Emitted, Functions, LocalOptions, LocalSystem, Problem};
use serde_json::Value;

use super::inspect::{self, Inspected};
use super::letters::{self, Ends, Letter, permitted};
use super::life::{Deed, Life, Sent};
use super::org::Org;
use super::outcome;
use super::sky::{Sky, seed_of};
use super::story::Chapter;
use super::turn::{Turn, retire};
use crate::canary;
use crate::violation::{Promise, Violation};
use crate::weather::Weather;

/// What a process that is gone had sent arrives within this.
const LATE: Duration = Duration::from_secs(60);
/// How often the end of an old key is asked for, and how often in the weather that there is: two overlaps have to pass.
const ASKED: usize = 6;
const ASKED_IN_THE_STORM: usize = 3;
/// As the functions have it if nothing else is said, and a minute.
const OVERLAP: Duration = Duration::from_secs(604_800 + 60);

/// A town at work.
pub(super) struct Town {
    pub(super) counts: BTreeMap<&'static str, usize>,
    seed: u64,
    aws: LocalAws,
    options: LocalOptions,
    orgs: Vec<Org>,
}

/// What one settlement is about.
struct Round {
    number: u64,
    sky: Sky,
    /// What each organization was when nothing had been sent yet.
    starts: Vec<Life>,
    chapters: Vec<Chapter>,
    /// The codes that each organization's chapter can end with.
    permitted: Vec<BTreeSet<ErrorCode>>,
    /// The tokens of the rotations that begin.
    tokens: Vec<Option<String>>,
    before: World,
}

/// What came of a settlement's messages.
#[derive(Default)]
struct Heard {
    events: Vec<Emitted>,
    dead_letters: Vec<(&'static str, Vec<Value>)>,
}

impl Town {
    pub(super) fn new(seed: u64, numbers: &[u16]) -> Self {
        let options = LocalOptions { seed: seed_of(seed, 0), ..LocalOptions::default() };
        fastrand::seed(options.seed);
        let aws = LocalAws::new(options.seed, Clock::starting_at(options.start));
        aws.set_recording(false);
        let orgs = numbers.iter().copied().map(Org::new).collect();
        Self { counts: BTreeMap::new(), seed, aws, options, orgs }
    }

    fn count(&mut self, what: &'static str, many: usize) {
        *self.counts.entry(what).or_default() += many;
    }

    /// How many chapters an organization's story has.
    fn chapters(seed: u64, org: &Org) -> u64 {
        let mut random = Rng::with_seed(seed_of(seed, org.number.into()));
        // Four to eight, and more often few.
        4 + random.u64(..5).min(random.u64(..5)).min(random.u64(..5))
    }

    /// All chapters of all stories; what was broken in the first settlement after which something was.
    pub(super) async fn live(&mut self) -> Result<Vec<Violation>, Problem> {
        let longest = self.orgs.iter().map(|org| Self::chapters(self.seed, org)).max().unwrap_or_default();
        self.count("organizations", self.orgs.len());
        inspect::settle_bystanders(&self.aws, &self.options).await?;
        for number in 0..longest {
            let broken = self.settle(number).await?;
            self.count("settlements", 1);
            if !broken.is_empty() {
                return Ok(broken);
            }
        }
        Ok(Vec::new())
    }

    async fn settle(&mut self, number: u64) -> Result<Vec<Violation>, Problem> {
        canary::begin();
        let round = self.open(number).await;
        let weather = Weather::new(self.aws.clone(), round.sky.forecast.clone(), &[]);
        let functions = Functions::Between(Rc::new(weather.clone()));
        let system = LocalSystem::wire(self.aws.clone(), &self.options, &functions)?;
        let mut heard = Heard::default();
        let mut broken = self.storm(&system, &weather, &round, &mut heard).await?;
        self.count("faults", weather.met());
        broken.extend(self.calm_down(&system, &round).await?);
        let (events, kept) = heard.take(&system)?;
        let ends = Ends { events: &events, letters: &kept, could_not_tell: BTreeSet::new() };
        for (org, permitted) in self.orgs.iter().zip(&round.permitted) {
            broken.extend(ends.unexplained(org, permitted, true));
        }
        let inspected = Inspected {
            before: &round.before,
            after: &self.aws.snapshot(),
            now: self.aws.now(),
            weather: &weather,
            events: heard.events,
            dead_letters: heard.dead_letters,
        };
        broken.extend(inspected.broken(&self.orgs, &round.chapters));
        if broken.is_empty() {
            for (org, chapter) in self.orgs.iter_mut().zip(&round.chapters) {
                broken.extend(outcome::use_key(&system, org, chapter, round.number).await);
            }
        }
        Ok(broken)
    }

    /// Draws each organization's next chapter, and does what is done by hand in it.
    async fn open(&mut self, number: u64) -> Round {
        let (seed, aws) = (self.seed, self.aws.clone());
        let sky = Sky::of(seed_of(seed, 1000 + number));
        fastrand::seed(seed_of(seed, 2000 + number));
        tokio::time::sleep(sky.pause).await;
        let now = aws.now();
        let mut chapters = Vec::new();
        for org in &mut self.orgs {
            org.life.new_key = false;
            let mut random = Rng::with_seed(seed_of(seed_of(seed, org.number.into()), number));
            let lives_on = number < Self::chapters(seed, org);
            let chapter = if lives_on { org.next_chapter(&mut random, sky.calm) } else { Chapter::default() };
            aws.with_world(|world| org.by_hand(world, &chapter, now));
            org.chapters.push(chapter.to_string());
            chapters.push(chapter);
        }
        chapters.iter().for_each(|chapter| self.count_chapter(chapter));
        let token = |chapter: &Chapter| chapter.rotate.then(|| aws.with_world(|world| world.ids.uuid()));
        let tokens = chapters.iter().map(token).collect();
        aws.with_world(|world| world.propagation = sky.propagation.clone());
        let starts: Vec<Life> = self.orgs.iter().map(|org| org.life.clone()).collect();
        let permitted = starts.iter().zip(&chapters).map(|(start, chapter)| permitted(start, chapter)).collect();
        Round { number, sky, starts, chapters, permitted, tokens, before: aws.snapshot() }
    }

    fn count_chapter(&mut self, chapter: &Chapter) {
        self.count("chapters", usize::from(!chapter.is_rest()));
        self.count("echoes", chapter.echoes.len());
        self.count("drifts", usize::from(chapter.drift.is_some()));
        self.count("rotations", usize::from(chapter.rotate));
        self.count("retirements", usize::from(chapter.retire));
        for (_, sent) in &chapter.sent {
            let what = match sent.deed {
                Deed::SignUp => "sign-ups",
                Deed::Return => "returns",
                Deed::Suspend => "suspensions",
                Deed::Resume => "resumptions",
                Deed::Offboard { .. } => "offboardings",
            };
            self.count(what, 1);
        }
    }

    /// Everything of this settlement, in its weather; then what was kept is sent again.
    async fn storm(
        &mut self,
        system: &LocalSystem,
        weather: &Weather,
        round: &Round,
        heard: &mut Heard,
    ) -> Result<Vec<Violation>, Problem> {
        Turn::of(&self.orgs, &round.chapters, &round.tokens).settle(system).await?;
        tokio::time::sleep(LATE).await;
        system.settle().await?;
        let (events, mut kept) = heard.take(system)?;
        let ends = Ends { events: &events, letters: &kept, could_not_tell: weather.could_not_tell() };
        let mut broken = Vec::new();
        for ((org, chapter), permitted) in self.orgs.iter().zip(&round.chapters).zip(&round.permitted) {
            let sent: Vec<Sent> = chapter.sent.iter().map(|(_, sent)| sent.clone()).collect();
            broken.extend(ends.lost(org, &sent));
            broken.extend(ends.unexplained(org, permitted, round.sky.calm));
        }
        let of_nobody = kept.iter().find(|letter| letter.org.is_empty());
        let told = |letter: &Letter| format!("{} kept a message of nobody", letter.step);
        broken.extend(of_nobody.map(|letter| Violation::of(Promise::NothingLost, told(letter))));
        self.orgs.iter_mut().for_each(|org| org.remember(&events));
        let (later, unended) = self.retire(system, weather, round, heard).await?;
        kept.extend(later);
        broken.extend(unended);
        weather.clear_up();
        self.count("letters replayed", kept.len());
        for letter in &kept {
            letter.replay(system)?;
        }
        system.settle().await?;
        Ok(broken)
    }

    /// Old keys come to their end. Weeks pass, so that what is kept meanwhile is taken each time.
    async fn retire(
        &self,
        system: &LocalSystem,
        weather: &Weather,
        round: &Round,
        heard: &mut Heard,
    ) -> Result<(Vec<Letter>, Vec<Violation>), Problem> {
        let due = self.orgs.iter().zip(&round.chapters).filter(|(_, chapter)| chapter.retire);
        let mut due: Vec<&Org> = due.map(|(org, _)| org).filter(|org| org.life.old_key.is_some()).collect();
        let mut kept = Vec::new();
        for asked in 0..ASKED {
            if due.is_empty() {
                break;
            }
            if asked == ASKED_IN_THE_STORM {
                weather.clear_up();
            }
            let all = due.iter().map(async |org| {
                let token = org.life.old_key.as_ref().map(|old| old.token.clone()).unwrap_or_default();
                retire(system, &org.id, &token).await
            });
            let mut done = join_all(all).await.into_iter();
            due.retain(|_| !done.next().unwrap_or_default());
            tokio::time::sleep(LATE).await;
            system.settle().await?;
            kept.extend(heard.take(system)?.1);
            tokio::time::sleep(OVERLAP).await;
        }
        let stays = |org: &&Org| Violation::of(Promise::ComesToRest, format!("the old key stays: {}", org.told()));
        Ok((kept, due.iter().map(stays).collect()))
    }

    /// What is left to do in calm weather, and what each organization is then.
    async fn calm_down(&mut self, system: &LocalSystem, round: &Round) -> Result<Vec<Violation>, Problem> {
        let mut broken = Vec::new();
        for (n, org) in self.orgs.iter_mut().enumerate() {
            let (Some(chapter), Some(start)) = (round.chapters.get(n), round.starts.get(n)) else { continue };
            broken.extend(outcome::decide(org, chapter, &self.aws.snapshot(), chapter.in_order(round.sky.calm)));
            let begun = round.tokens.get(n).cloned().flatten();
            if let Some(token) = begun.or_else(|| start.pending.clone()) {
                broken.extend(outcome::end_rotation(system, org, &token).await?);
            }
        }
        Ok(broken)
    }
}

impl Heard {
    /// Takes what was emitted and kept since the last time, and notes it.
    fn take(&mut self, system: &LocalSystem) -> Result<(Vec<Emitted>, Vec<Letter>), Problem> {
        let events = system.take_emitted()?;
        let (kept, dead_letters) = letters::take(system)?;
        self.events.extend(events.iter().cloned());
        for (step, letters) in dead_letters {
            match self.dead_letters.iter_mut().find(|(known, _)| *known == step) {
                Some((_, known)) => known.extend(letters),
                None => self.dead_letters.push((step, letters)),
            }
        }
        Ok((events, kept))
    }
}
