//! One execution, written down so that it can be run again: `two-strays/secret/3:stop-late,9:lost-reply`.

use std::fmt;
use std::str::FromStr;

use crate::stage::{Judged, Trigger, execute};
use crate::start::{Prepared, Start};
use crate::storm;
use crate::weather::{Forecast, Mishap};

/// A starting state, a trigger, and what happens to which call.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What is there at the beginning.
    pub start: Start,
    /// What sets it off.
    pub trigger: Trigger,
    /// What calls meet.
    pub forecast: Forecast,
}

impl Case {
    /// A case in which only these calls meet something.
    pub fn with(start: Start, trigger: Trigger, mishaps: impl IntoIterator<Item = (u64, Mishap)>) -> Self {
        let forecast = Forecast { mishaps: mishaps.into_iter().collect(), ..Forecast::default() };
        Self { start, trigger, forecast }
    }

    /// Runs it.
    pub fn run(&self, prepared: &Prepared) -> Judged {
        execute(prepared, self.trigger, &self.forecast)
    }
}

impl Case {
    /// A shorter case that breaks a promise too: mishaps are taken away one after the other, as long as one can.
    pub fn shrunk(&self, prepared: &Prepared) -> Self {
        let breaks = |case: &Self| !case.run(prepared).violations.is_empty();
        let mut shortest = self.clone();
        loop {
            let calm = Self { forecast: Forecast { unsteady: None, ..shortest.forecast.clone() }, ..shortest.clone() };
            let without = shortest.forecast.mishaps.keys().map(|call| {
                let mut shorter = shortest.clone();
                shorter.forecast.mishaps.remove(call);
                shorter
            });
            match std::iter::once(calm).chain(without).find(|shorter| *shorter != shortest && breaks(shorter)) {
                Some(shorter) => shortest = shorter,
                None => return shortest,
            }
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.start.name(), self.trigger.name())?;
        if let Some(unsteady) = self.forecast.unsteady {
            write!(f, "@{}", unsteady.seed)?;
        }
        f.write_str("/")?;
        let mishaps = self.forecast.mishaps.iter().map(|(call, mishap)| {
            let mishap: &str = mishap.into();
            format!("{call}:{mishap}")
        });
        f.write_str(&mishaps.collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let [start, trigger, mishaps] = parts[..] else {
            return Err(format!("{text:?} is not <start>/<trigger>/<call>:<mishap>,..."));
        };
        let start = start.parse().map_err(|_| format!("{start:?} is not a starting state"))?;
        let (trigger, storm) = trigger.split_once('@').map_or((trigger, None), |(trigger, seed)| (trigger, Some(seed)));
        let trigger = Trigger::known().find(|known| known.name() == trigger);
        let trigger = trigger.ok_or_else(|| format!("{text:?} names no trigger"))?;
        let mishaps = mishaps.split(',').filter(|mishap| !mishap.is_empty()).map(|mishap| {
            let (call, kind) = mishap.split_once(':').ok_or_else(|| format!("{mishap:?} is not <call>:<mishap>"))?;
            let call = call.parse::<u64>().map_err(|error| format!("{call:?}: {error}"))?;
            let kind = kind.parse::<Mishap>().map_err(|_| format!("{kind:?} is not a mishap"))?;
            Ok::<_, String>((call, kind))
        });
        let mut case = Self::with(start, trigger, mishaps.collect::<Result<Vec<_>, _>>()?);
        let seed = storm.map(str::parse).transpose().map_err(|error| format!("{storm:?}: {error}"))?;
        case.forecast.unsteady = seed.map(storm::unsteady);
        Ok(case)
    }
}
