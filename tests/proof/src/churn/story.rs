//! What happens to an organization next: drawn from what it is, and from nothing that happens to others.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

use super::life::{Deed, Drift, Life, Sent, State};
use super::org::Org;

/// A chapter of an organization's life.
#[derive(Clone, Debug, Default)]
pub(super) struct Chapter {
    /// What somebody does by hand first.
    pub(super) drift: Option<Drift>,
    /// Whether somebody undoes by hand what only a person can undo.
    pub(super) mend: bool,
    /// Whether Secrets Manager is asked to rotate.
    pub(super) rotate: bool,
    /// Whether the end of the old key has come.
    pub(super) retire: bool,
    /// Commands, with the pause before each: two of them overtake each other.
    pub(super) sent: Vec<(Duration, Sent)>,
    /// Older commands and completions that come once more, and how the same comes more than once.
    pub(super) echoes: Vec<(Duration, Echo)>,
}

/// Something that comes more than once.
#[derive(Clone, Debug)]
pub(super) enum Echo {
    /// The chapter's n-th command once more, on the bus.
    Event(usize),
    /// The same, straight in its step's queue.
    Message(usize),
    /// A sign-up of an earlier chapter.
    OldSignUp(Sent),
    /// A completion that an earlier chapter led to: the n-th of those that are remembered.
    OldCompletion(usize),
}

impl Chapter {
    fn of(sent: impl IntoIterator<Item = (u64, Sent)>) -> Self {
        let sent = sent.into_iter().map(|(seconds, sent)| (Duration::from_secs(seconds), sent));
        Self { sent: sent.collect(), ..Self::default() }
    }

    /// Whether its first command is over when the second one comes, and does not come again after it.
    pub(super) fn in_order(&self, calm: bool) -> bool {
        let first_again = |echo: &(Duration, Echo)| matches!(echo.1, Echo::Event(0) | Echo::Message(0));
        calm && (self.sent.len() < 2 || !self.echoes.iter().any(first_again))
    }

    /// Whether nothing comes that could change anything.
    pub(super) fn is_rest(&self) -> bool {
        self.drift.is_none()
            && !self.mend
            && !self.rotate
            && !self.retire
            && self.sent.is_empty()
            && self.echoes.is_empty()
    }
}

impl Org {
    /// The next chapter. In calm weather nothing is tried again later, so that a return may follow an offboarding.
    pub(super) fn next_chapter(&mut self, random: &mut Rng, calm: bool) -> Chapter {
        let mut chapter = self.draw(random, calm);
        for n in 0..chapter.sent.len() {
            // An offboarding that comes once more in the middle of a return would leave neither.
            let before_return = chapter.sent.get(n + 1).is_some_and(|(_, next)| next.deed == Deed::Return);
            if random.u8(..100) < 25 && !before_return {
                chapter.echoes.push((soon(random), if random.bool() { Echo::Event(n) } else { Echo::Message(n) }));
            }
        }
        let sign_ups: Vec<&Sent> = self.history.iter().filter(|sent| sent.deed == Deed::SignUp).collect();
        if !sign_ups.is_empty() && random.u8(..100) < 20 {
            chapter.echoes.push((soon(random), Echo::OldSignUp(sign_ups[random.usize(..sign_ups.len())].clone())));
        }
        if !self.completions.is_empty() && random.u8(..100) < 15 {
            chapter.echoes.push((soon(random), Echo::OldCompletion(random.usize(..self.completions.len()))));
        }
        chapter
    }

    fn draw(&mut self, random: &mut Rng, calm: bool) -> Chapter {
        let (life, start) = (self.life.clone(), random.u64(..120));
        let one = |sent: Sent| Chapter::of([(start, sent)]);
        let drift = |drift: Drift, sent: Sent| Chapter { drift: Some(drift), ..one(sent) };
        let stale = |org: &Self, random: &mut Rng| one(org.history[random.usize(..org.history.len())].clone());
        let offboard = Deed::Offboard { empty: random.bool() };
        let lot = random.u8(..100);
        match (life.state, life.held) {
            (State::Unborn, _) if lot < 90 => one(self.command(Deed::SignUp)),
            (State::Active, Some(_)) => match lot {
                0..50 => Chapter { mend: true, ..one(self.command(Deed::SignUp)) },
                50..62 => one(self.command(Deed::SignUp)),
                62..74 => one(self.command(Deed::Suspend)),
                74..84 => one(self.command(Deed::Resume)),
                _ => one(self.command(offboard)),
            },
            (State::Active, None) => match lot {
                0..7 => one(self.command(Deed::SignUp)),
                7..11 => one(self.command(if random.bool() { Deed::Return } else { Deed::Resume })),
                11..30 if life.old_key.is_some() => Chapter { retire: true, ..Chapter::default() },
                11..30 => {
                    let beside = (random.u8(..100) < 35).then(|| (random.u64(..40), self.command(Deed::Suspend)));
                    Chapter { rotate: true, ..Chapter::of(beside) }
                }
                30..44 => one(self.command(Deed::Suspend)),
                44..54 => one(self.command(offboard)),
                54..82 => drift(drift_of_active(&life, random), self.command(Deed::SignUp)),
                82..88 => stale(&*self, random),
                _ => {
                    let first = if random.bool() { offboard } else { Deed::Suspend };
                    let next = match first {
                        Deed::Suspend => [Deed::Resume, offboard][random.usize(..2)],
                        // It has to be over before an organization comes back.
                        _ if calm => Deed::Return,
                        _ => Deed::Suspend,
                    };
                    self.two(random, start, first, next)
                }
            },
            (State::Suspended, Some(Drift::ForeignKey)) => match lot {
                0..60 => Chapter { mend: true, ..one(self.command(Deed::Resume)) },
                60..74 => one(self.command(Deed::Suspend)),
                74..88 => one(self.command(Deed::Resume)),
                _ => one(self.command(offboard)),
            },
            (State::Suspended, _) => match lot {
                0..38 => one(self.command(Deed::Resume)),
                38..52 => one(self.command(offboard)),
                52..60 => one(self.command(if random.bool() { Deed::SignUp } else { Deed::Return })),
                60..64 => one(self.command(Deed::Suspend)),
                64..72 => drift(Drift::Opened, self.command(Deed::Suspend)),
                72..78 if life.has_room_for_a_key() => drift(Drift::ForeignKey, self.command(Deed::Suspend)),
                72..84 => stale(&*self, random),
                _ => {
                    let next = if random.bool() { Deed::Suspend } else { offboard };
                    self.two(random, start, Deed::Resume, next)
                }
            },
            (State::Offboarded, _) => match lot {
                0..55 => one(self.command(Deed::Return)),
                55..63 => one(self.command(Deed::SignUp)),
                63..73 => one(self.command(offboard)),
                73..79 => one(self.command(if random.bool() { Deed::Suspend } else { Deed::Resume })),
                79..92 => stale(&*self, random),
                _ => Chapter::default(),
            },
            _ => Chapter::default(),
        }
    }

    fn two(&mut self, random: &mut Rng, start: u64, first: Deed, next: Deed) -> Chapter {
        let gap = 20 + random.u64(..200);
        Chapter::of([(start, self.command(first)), (gap, self.command(next))])
    }

    fn command(&mut self, deed: Deed) -> Sent {
        self.sent += 1;
        let sent = Sent { deed, correlation: format!("{}-{}", self.id, self.sent) };
        self.history.push(sent.clone());
        sent
    }
}

impl Life {
    /// Whether somebody can make a key: a user has two at most.
    fn has_room_for_a_key(&self) -> bool {
        self.old_key.is_none() && self.pending.is_none() && self.held.is_none()
    }
}

fn drift_of_active(life: &Life, random: &mut Rng) -> Drift {
    use Drift::{Closed, ForeignKey, KeyOff, NoKey, NoPolicy, Password, Permissions};
    let all = [NoPolicy, Closed, Password, KeyOff, Permissions, NoKey, ForeignKey];
    // Without its old key a rotation is over, and one that is not done is not to be judged here.
    let possible = if life.has_room_for_a_key() { all.len() } else { all.len() - 2 };
    all[random.usize(..possible)]
}

fn soon(random: &mut Rng) -> Duration {
    Duration::from_secs([0, 5, 60, 400][random.usize(..4)]).mul_f64(random.f64())
}

impl fmt::Display for Chapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drift = self.drift.map(|drift| <&str>::from(drift).to_owned());
        let by_hand = [(self.mend, "mend"), (self.rotate, "rotate"), (self.retire, "retire")];
        let by_hand = by_hand.into_iter().filter(|(done, _)| *done).map(|(_, name)| name.to_owned());
        let sent = self.sent.iter().map(|(_, sent)| format!("{}:{}", <&str>::from(sent.deed), sent.correlation));
        let echoes = (!self.echoes.is_empty()).then(|| format!("{} echoes", self.echoes.len()));
        let all: Vec<String> = drift.into_iter().chain(by_hand).chain(sent).chain(echoes).collect();
        f.write_str(if all.is_empty() { "rest" } else { "" })?;
        f.write_str(&all.join(" + "))
    }
}
