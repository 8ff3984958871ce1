//! The weather of one settlement of a town.

use std::time::Duration;

use fastrand::Rng;
use local_aws::Propagation;

use crate::showers::Showers;
use crate::storm;
use crate::weather::Forecast;

/// What a settlement goes through.
pub(super) struct Sky {
    /// Whether nothing happens to any call. What one command is about is over before the next one comes then.
    pub(super) calm: bool,
    pub(super) forecast: Forecast,
    pub(super) propagation: Propagation,
    /// How much time passed since the settlement before.
    pub(super) pause: Duration,
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

impl Sky {
    pub(super) fn of(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed ^ 0x05c1);
        let lot = random.u8(..100);
        let (percent, calls) = match lot {
            0..25 => (0, 0),
            25..88 => ([3, 8, 15][random.usize(..3)], 60),
            // Receives are used up, and what is kept is sent again when it is calm.
            _ => (65, 150),
        };
        let calm = percent == 0;
        let unsteady = (!calm && random.u8(..3) == 0).then(|| storm::unsteady(seed));
        let showers = (!calm).then_some(Showers { seed, percent, calls });
        let propagation = if calm { Propagation::default() } else { storm::propagation(seed) };
        let pause = [5 * 60, HOUR, DAY, 9 * DAY][random.usize(..4)];
        let forecast = Forecast { unsteady, showers, ..Forecast::default() };
        Self { calm, forecast, propagation, pause: Duration::from_secs(pause) }
    }
}

/// A seed of its own for each part of a whole.
pub(super) fn seed_of(seed: u64, part: u64) -> u64 {
    let mixed = (seed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x2545_f491_4f6c_dd1d);
    Rng::with_seed(mixed).u64(..)
}
