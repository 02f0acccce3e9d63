//! A line of the table of models: how it is written and how it is read.

use halo_types::{Price, dollars, nano_dollars};

/// What one line of the table says about a model at a place. What it does not say is unknown.
///
/// A line is made of columns with a tab between them; empty ones at the end are left out:
///
/// | column | what | unit |
/// |---|---|---|
/// | 1 | the model's name at the place, in lower case | |
/// | 2 | the place, a [`Place::id`](crate::Place::id) | |
/// | 3 | the most it reads | tokens |
/// | 4 | the most it writes | tokens |
/// | 5 | `v` takes pictures, `t` calls tools, `r` thinks; a `-` before the letter: it does not | |
/// | 6–9 | price of input, output, input read from a cache, input written to one | USD for a million tokens |
/// | 10 | the longest input these prices hold for | tokens |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// The most it reads, in tokens.
    pub context_window: Option<u64>,
    /// The most it writes in one answer, in tokens.
    pub max_output: Option<u64>,
    /// Whether it takes pictures.
    pub vision: Option<bool>,
    /// Whether it can call tools.
    pub tools: Option<bool>,
    /// Whether it can think before it answers.
    pub reasoning: Option<bool>,
    /// What its tokens cost at that place.
    pub price: Option<Price>,
}

impl Row {
    /// The line for a model at a place, without its end.
    #[must_use]
    pub fn write(&self, name: &str, place: &str) -> String {
        let count = |count: Option<u64>| count.map(|n| n.to_string()).unwrap_or_default();
        let money = |nano: Option<u64>| nano.map(dollars).unwrap_or_default();
        let can: String = [('v', self.vision), ('t', self.tools), ('r', self.reasoning)]
            .into_iter()
            .filter_map(|(letter, can)| Some((letter, can?)))
            .map(|(letter, can)| if can { letter.to_string() } else { format!("-{letter}") })
            .collect();
        let price = self.price;
        let columns = [
            name.to_owned(),
            place.to_owned(),
            count(self.context_window),
            count(self.max_output),
            can,
            money(price.map(|price| price.input)),
            money(price.map(|price| price.output)),
            money(price.and_then(|price| price.cache_read)),
            money(price.and_then(|price| price.cache_write)),
            count(price.and_then(|price| price.up_to)),
        ];
        columns.join("\t").trim_end_matches('\t').to_owned()
    }

    /// Name and place of a line and what stands behind them. `None` where it has another form.
    #[must_use]
    pub fn read(line: &str) -> Option<(&str, &str, Self)> {
        let mut columns = line.split('\t');
        let name = columns.next().filter(|name| !name.is_empty())?;
        let place = columns.next().filter(|place| !place.is_empty())?;
        let mut next = || columns.next().unwrap_or_default();
        let mut row = Self {
            context_window: optional(next(), count)?,
            max_output: optional(next(), count)?,
            ..Self::default()
        };
        let mut can = true;
        for letter in next().chars() {
            match letter {
                'v' => row.vision = Some(can),
                't' => row.tools = Some(can),
                'r' => row.reasoning = Some(can),
                _ => {}
            }
            can = match letter {
                '-' => false,
                'v' | 't' | 'r' => true,
                _ => return None,
            };
        }
        let input = optional(next(), nano_dollars)?;
        let output = optional(next(), nano_dollars)?;
        let cache_read = optional(next(), nano_dollars)?;
        let cache_write = optional(next(), nano_dollars)?;
        let up_to = optional(next(), count)?;
        row.price = match (input, output) {
            (Some(input), Some(output)) => {
                Some(Price { input, output, cache_read, cache_write, up_to })
            }
            (None, None) => None,
            _ => return None,
        };
        columns.next().is_none().then_some((name, place, row))
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn count(text: &str) -> Option<u64> {
    text.parse().ok().filter(|count| *count > 0)
}

/// `Some(None)` for an empty column, `None` for one that cannot be read.
fn optional<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { read(text).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_and_read() {
        let price = Price {
            input: 2_500_000_000,
            output: 15_000_000_000,
            cache_read: Some(250_000_000),
            cache_write: None,
            up_to: Some(272_000),
        };
        let full = Row {
            context_window: Some(1_050_000),
            max_output: Some(128_000),
            vision: Some(true),
            tools: Some(false),
            reasoning: Some(true),
            price: Some(price),
        };
        let blind = Row { vision: Some(false), ..Row::default() };
        let window = Row { context_window: Some(8192), ..Row::default() };
        for (row, line) in [
            (full, "b\ta\t1050000\t128000\tv-tr\t2.5\t15\t0.25\t\t272000"),
            (blind, "b\ta\t\t\t-v"),
            (window, "b\ta\t8192"),
            (Row::default(), "b\ta"),
        ] {
            assert_eq!(row.write("b", "a"), line);
            assert_eq!(Row::read(line), Some(("b", "a", row)));
        }
    }

    #[test]
    fn other_lines_are_refused() {
        for line in [
            "",
            "b",
            "b\t",
            "\ta\t8192",
            "b\ta\t0",
            "b\ta\tmany",
            "b\ta\t1\t1\tx",
            "b\ta\t1\t1\tv\t2.5",
            "b\ta\t1\t1\tv\t\t\t0.1\t\t\t\t",
            "b\ta\t1\t1\tv\t1e3\t2",
        ] {
            assert_eq!(Row::read(line), None, "{line:?}");
        }
    }
}
