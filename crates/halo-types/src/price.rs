//! What tokens cost, in whole numbers: no sum of money is ever a float.

use serde::{Deserialize, Serialize};

use crate::Usage;

/// Nano-dollars in a dollar.
const DOLLAR: u64 = 1_000_000_000;

/// The tokens that a price is stated for.
const MILLION: u128 = 1_000_000;

/// What a provider asks for a million tokens, in nano-dollars (10⁻⁹ USD): 2,500,000,000 is $2.50.
///
/// It is the full list price of one request answered at once, without discounts for batches, hours
/// of the day or a contract of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Price {
    /// Input that was not read from a cache.
    pub input: u64,
    /// Output, thinking included.
    pub output: u64,
    /// Input read from a cache; `None` where no price for it is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Input written to a cache for its usual time; `None` where no price for it is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// The longest input, in tokens, that these prices hold for; longer ones cost more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<u64>,
}

impl Price {
    /// What an answer cost, in nano-dollars. `None` where that cannot be said: figures are missing
    /// or do not add up, the input was too long for this price, or a cache was used whose price is
    /// not known.
    ///
    /// ```
    /// use halo_types::{Price, Usage};
    ///
    /// let price = Price {
    ///     input: 2_000_000_000,
    ///     output: 10_000_000_000,
    ///     cache_read: Some(200_000_000),
    ///     cache_write: None,
    ///     up_to: None,
    /// };
    /// let usage = Usage {
    ///     input: Some(10_000),
    ///     output: Some(500),
    ///     cache_read: Some(8_000),
    ///     ..Usage::default()
    /// };
    /// // 2,000 × $2 + 8,000 × $0.2 + 500 × $10, each for a million: $0.0106.
    /// assert_eq!(price.cost(&usage), Some(10_600_000));
    /// ```
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Option<u64> {
        let (input, output) = (usage.input?, usage.output?);
        if self.up_to.is_some_and(|most| input > most) {
            return None;
        }
        let read = usage.cache_read.unwrap_or(0);
        let written = usage.cache_write.unwrap_or(0);
        let plain = input.checked_sub(read)?.checked_sub(written)?;
        let part = |tokens: u64, price: Option<u64>| match tokens {
            0 => Some(0),
            tokens => Some(u128::from(tokens) * u128::from(price?)),
        };
        // A product of two numbers of 64 bits fits in 128; a sum of four may not.
        let sum = part(plain, Some(self.input))?
            .checked_add(part(read, self.cache_read)?)?
            .checked_add(part(written, self.cache_write)?)?
            .checked_add(part(output, Some(self.output))?)?;
        u64::try_from(sum.checked_add(MILLION / 2)? / MILLION).ok()
    }
}

/// Nano-dollars as a plain decimal number of dollars, without a sign of the currency and without
/// zeros behind: `2.5`, `0.028`, `15`.
#[must_use]
pub fn dollars(nano: u64) -> String {
    let (whole, rest) = (nano / DOLLAR, nano % DOLLAR);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:09}").trim_end_matches('0').to_owned()
}

/// Reads what [`dollars`] writes. `None` for anything else, more than nine decimals among it.
#[must_use]
pub fn nano_dollars(text: &str) -> Option<u64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(rest) || rest.len() > 9 {
        return None;
    }
    let rest: u64 = format!("{rest:0<9}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(DOLLAR)?.checked_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, output: u64, read: Option<u64>, written: Option<u64>) -> Usage {
        Usage {
            input: Some(input),
            output: Some(output),
            cache_read: read,
            cache_write: written,
            thinking: None,
        }
    }

    const PRICE: Price = Price {
        input: 3_000_000_000,
        output: 15_000_000_000,
        cache_read: Some(300_000_000),
        cache_write: Some(3_750_000_000),
        up_to: Some(200_000),
    };

    #[test]
    fn a_cost_counts_each_token_once() {
        for (usage, cost) in [
            (usage(0, 0, None, None), Some(0)),
            (usage(1_000, 100, None, None), Some(4_500_000)),
            (usage(1_000, 100, Some(1_000), None), Some(1_800_000)),
            (usage(1_000, 0, Some(400), Some(600)), Some(120_000 + 2_250_000)),
            // More from the cache than there was: the figures are wrong.
            (usage(1_000, 0, Some(1_001), None), None),
            (usage(200_000, 0, None, None), Some(600_000_000)),
            (usage(200_001, 0, None, None), None),
            (usage(1, 0, None, None), Some(3_000)),
        ] {
            assert_eq!(PRICE.cost(&usage), cost, "{usage:?}");
        }
    }

    #[test]
    fn a_cost_that_is_not_known_is_not_made_up() {
        let plain = Price { cache_read: None, cache_write: None, ..PRICE };
        assert_eq!(plain.cost(&usage(10, 1, Some(5), None)), None);
        assert_eq!(plain.cost(&usage(10, 1, None, Some(5))), None);
        assert_eq!(plain.cost(&usage(10, 1, Some(0), Some(0))), Some(45_000));
        assert_eq!(PRICE.cost(&Usage::default()), None);
        assert_eq!(PRICE.cost(&Usage { output: None, ..usage(1, 1, None, None) }), None);
        let dear = Price { input: u64::MAX, output: u64::MAX, up_to: None, ..plain };
        assert_eq!(dear.cost(&usage(u64::MAX, u64::MAX, None, None)), None);
    }

    #[test]
    fn dollars_are_written_and_read_exactly() {
        for (nano, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (28_000_000, "0.028"),
            (2_500_000_000, "2.5"),
            (15_000_000_000, "15"),
            (1_142_857_143, "1.142857143"),
        ] {
            assert_eq!(dollars(nano), text);
            assert_eq!(nano_dollars(text), Some(nano));
        }
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1.0000000001", "99999999999999999999"]
        {
            assert_eq!(nano_dollars(text), None, "{text}");
        }
    }
}
