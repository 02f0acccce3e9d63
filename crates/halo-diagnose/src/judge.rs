//! Weighs the layers of an error against the rules.

use halo_types::{Evidence, Headers, TransportClass};

use crate::rule::{BodyForm, Rule};
use crate::table::{Conditions, Sort, Table, table};
use crate::text::Text;
use crate::unwrap::{Field, Key, Layer, Origin, Unwrapped};
use crate::vendor::Witnesses;

/// The rule that decided, and where.
pub(crate) struct Verdict {
    pub(crate) rule: &'static Rule,
    /// The layer it matched; `None` where no words decided.
    pub(crate) layer: Option<usize>,
    /// The range of that layer's text.
    pub(crate) span: Option<(usize, usize)>,
}

/// Headers that name the error as a field of the body would.
const TYPE_HEADERS: &[&str] =
    &["x-amzn-errortype", "x-ms-error-code", "x-error-code", "x-halo-kind"];

/// Layers for the evidence that stands outside the body.
pub(crate) fn outer_layers(evidence: &Evidence) -> Vec<Layer> {
    let mut layers = Vec::new();
    for name in TYPE_HEADERS {
        if let Some(value) = first(&evidence.headers, name) {
            // `ThrottlingException:http://internal.amazon.com/…`
            let value = value.split([':', ',']).next().unwrap_or(value).trim();
            let end = value.len();
            layers.push(Layer {
                text: Text::whole(value, 0),
                fields: vec![Field { key: Key::Code, start: 0, end }],
                origin: Origin::Header(name),
                ..Layer::default()
            });
        }
    }
    if let Some(transport) = evidence.transport.as_ref().filter(|t| !t.chain.is_empty()) {
        layers.push(Layer {
            text: Text::whole(&transport.chain.join(": "), 0),
            origin: Origin::Transport,
            ..Layer::default()
        });
    }
    layers
}

fn first<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.first(name).filter(|value| !value.is_empty())
}

/// How far from the deciding words, in bytes, a veto is heard; in a long log what stands far away
/// speaks of something else.
const VETO_REACH: usize = 400;
/// How far apart words may stand that must all be there.
const GROUP_REACH: usize = 600;
/// How many places of one word are kept per layer.
const MAX_PLACES: usize = 8;
/// The longest text that is heard as a whole.
const SHORT: usize = 1200;

/// A word and where it stands.
type Place = (u32, usize, usize);

/// Where each literal was found.
struct Hits {
    /// By layer, sorted by literal and place.
    places: Vec<Vec<Place>>,
    /// Literals found in any layer.
    anywhere: Vec<bool>,
}

impl Hits {
    fn of(&self, layer: usize, literal: u32) -> &[Place] {
        let places = &self.places[layer];
        let from = places.partition_point(|(id, _, _)| *id < literal);
        let to = places.partition_point(|(id, _, _)| *id <= literal);
        &places[from..to]
    }

    /// Whether a veto is heard at `span` of `layer`.
    fn vetoed(&self, words: &[u32], layers: &[Layer], layer: usize, span: (usize, usize)) -> bool {
        words.iter().filter(|word| self.anywhere[**word as usize]).any(|word| {
            (0..layers.len()).any(|other| {
                if other != layer && layers[other].origin == Origin::Spelled {
                    return false;
                }
                let heard = layers[other].text.len() <= SHORT;
                self.of(other, *word).iter().any(|(_, start, end)| {
                    let near = other == layer
                        && *end + VETO_REACH >= span.0
                        && *start <= span.1 + VETO_REACH;
                    heard || near
                })
            })
        })
    }

    /// The place of one of `words` nearest to `span`, if it is near enough.
    fn near(
        &self,
        words: &[u32],
        layer: usize,
        span: (usize, usize),
        reach: usize,
    ) -> Option<(usize, usize)> {
        words
            .iter()
            .flat_map(|word| self.of(layer, *word))
            .map(|(_, start, end)| {
                let gap = start.saturating_sub(span.1) + span.0.saturating_sub(*end);
                (gap, (*start, *end))
            })
            .filter(|(gap, _)| *gap <= reach)
            .min()
            .map(|(_, place)| place)
    }
}

/// Finds all words and codes in all layers, and notes which vendors they tell of.
fn find(table: &Table, layers: &[Layer], witnesses: &mut Witnesses) -> Hits {
    let mut anywhere = vec![false; table.literals.len()];
    let mut places = Vec::with_capacity(layers.len());
    for layer in layers {
        let s = layer.text.as_str();
        let mut found: Vec<(u32, usize, usize)> = Vec::new();
        let mut seen = vec![0_usize; table.literals.len()];
        for hit in table.automaton.find_overlapping_iter(s) {
            for literal in &table.patterns[hit.pattern().as_usize()] {
                let at = *literal as usize;
                if seen[at] >= MAX_PLACES
                    || !fits(layer, table.literals[at].sort, hit.start(), hit.end())
                {
                    continue;
                }
                seen[at] += 1;
                anywhere[at] = true;
                found.push((*literal, hit.start(), hit.end()));
                for mark in &table.marks[at] {
                    let list =
                        if mark.layer { &mut witnesses.layers } else { &mut witnesses.words };
                    if !list.contains(&mark.vendor) {
                        list.push(mark.vendor);
                    }
                }
            }
        }
        found.sort_unstable();
        places.push(found);
    }
    Hits { places, anywhere }
}

/// Whether a literal of this sort may match at this place.
fn fits(layer: &Layer, sort: Sort, start: usize, end: usize) -> bool {
    let s = layer.text.as_str().as_bytes();
    let word = |b: u8| b.is_ascii_alphanumeric();
    // An underscore joins: `extra_forbidden` says nothing of "forbidden".
    let joined = |b: u8| word(b) || b == b'_';
    let begins = start == 0 || !word(s[start]) || !joined(s[start - 1]);
    let ends = end == s.len() || !word(s[end - 1]) || !word(s[end]);
    match sort {
        Sort::Mark => true,
        Sort::Word => begins && !in_url(s, start),
        Sort::WholeWord => begins && ends && !in_url(s, start),
        Sort::Code => {
            let mut fields = layer.fields.iter().filter(|f| f.key == Key::Code);
            if fields.any(|f| f.start == start && f.end == end) {
                return true;
            }
            identifier_like(&s[start..end]) && alone(s, start, end)
                || numbered(&s[start..end]) && in_brackets(s, start, end)
        }
        Sort::CodePrefix => {
            let mut fields = layer.fields.iter().filter(|f| f.key == Key::Code);
            fields.any(|f| f.start == start && f.end >= end)
                || identifier_like(&s[start..end])
                    && (start == 0 || !(word(s[start - 1]) || s[start - 1] == b'_'))
        }
    }
}

/// `snake_case`, `dotted.names` and `CamelCase` are codes wherever they stand; a plain word is
/// one only in a field of its own.
fn identifier_like(code: &[u8]) -> bool {
    code.len() >= 6
        && (code.contains(&b'_')
            || code[1..].iter().any(u8::is_ascii_uppercase)
                && code.iter().any(u8::is_ascii_lowercase))
        && !code.contains(&b' ')
}

fn alone(s: &[u8], start: usize, end: usize) -> bool {
    let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let before = start == 0 || !part(s[start - 1]);
    let after = match (s.get(end), s.get(end + 1)) {
        (Some(b'.'), Some(next)) => !next.is_ascii_alphanumeric(),
        (Some(b), _) => !part(*b),
        (None, _) => true,
    };
    before && after
}

/// A code of four digits and more.
fn numbered(code: &[u8]) -> bool {
    code.len() >= 4 && code.iter().all(u8::is_ascii_digit)
}

/// `(1008)`, `[1301]`, `code: 11200`, `error_code=17`.
fn in_brackets(s: &[u8], start: usize, end: usize) -> bool {
    let before = s[..start].iter().rev().find(|b| **b != b' ');
    let after = s.get(end);
    matches!(before, Some(b'(' | b'[' | b':' | b'=' | b'"' | b'\''))
        && after.is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'.' && *b != b'-')
}

/// Whether the place is inside an address: words there do not speak.
fn in_url(s: &[u8], start: usize) -> bool {
    let from = start.saturating_sub(160);
    let before = &s[from..start];
    let word = before
        .iter()
        .rposition(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'(' | b'<' | b'`'))
        .map_or(before, |at| &before[at + 1..]);
    word.windows(3).any(|w| w == b"://") || word.starts_with(b"www.")
}

/// What the rules may ask about the evidence as a whole.
struct Scene<'a> {
    evidence: &'a Evidence,
    witnesses: &'a Witnesses,
    body: BodyForm,
    text: &'a str,
    /// Whether a field of the body tells how long to wait.
    waits: bool,
}

/// The rule that decides, if any does.
pub(crate) fn judge(
    evidence: &Evidence,
    text: &str,
    unwrapped: &Unwrapped,
    witnesses: &mut Witnesses,
) -> Option<Verdict> {
    let table = table();
    let layers = &unwrapped.layers;
    let hits = find(table, layers, witnesses);
    let waits = layers.iter().flat_map(|l| &l.fields).any(|f| matches!(f.key, Key::Wait(_)));
    let scene = Scene { evidence, witnesses, body: body_form(unwrapped), text, waits };
    let mut best: Option<((u16, u8, u16), Verdict)> = None;
    for (index, layer) in layers.iter().enumerate() {
        let status = status_of(evidence, layers, index);
        let mut seen = Vec::new();
        let worded = hits.places[index]
            .iter()
            .flat_map(|(literal, _, _)| table.concerned[*literal as usize].iter().copied());
        for rule in worded.chain(table.wordless.iter().copied()) {
            if seen.contains(&rule) {
                continue;
            }
            seen.push(rule);
            let conditions = &table.conditions[rule as usize];
            let rule = &table.rules[rule as usize];
            let mut weight = (rule.precedence / 100, layer.depth, rule.precedence);
            if layer.origin == Origin::Spelled {
                // What a code's words say yields to the words of a text and beats generic types.
                if weight.0 < 6 {
                    continue;
                }
                weight.0 = 4;
            }
            // The class of a transport fault is a typed witness; of the chain's words only those
            // that tell a certificate or a proxy's refusal say more.
            let typed =
                evidence.transport.as_ref().is_some_and(|t| t.class != TransportClass::Other);
            if layer.origin == Origin::Transport
                && typed
                && rule.precedence < 900
                && rule.transport.is_empty()
            {
                continue;
            }
            if best.as_ref().is_some_and(|(other, _)| *other >= weight) {
                continue;
            }
            if let Some(span) = holds(rule, conditions, &scene, &hits, layers, index, status) {
                let worded = span.is_some();
                best = Some((weight, Verdict { rule, layer: worded.then_some(index), span }));
            }
        }
    }
    best.map(|(_, verdict)| verdict)
}

/// Whether a rule holds for a layer; the words that decided, if words did.
fn holds(
    rule: &Rule,
    conditions: &Conditions,
    scene: &Scene<'_>,
    hits: &Hits,
    layers: &[Layer],
    index: usize,
    status: Option<u16>,
) -> Option<Option<(usize, usize)>> {
    let evidence = scene.evidence;
    if !rule.status.is_empty() && !rule.status.iter().any(|p| p.matches(status)) {
        return None;
    }
    if rule.not_status.iter().any(|p| p.matches(status)) {
        return None;
    }
    if !rule.vendor.is_empty() && !rule.vendor.iter().any(|id| scene.witnesses.contains(id)) {
        return None;
    }
    if rule.not_vendor.iter().any(|id| scene.witnesses.contains(id)) {
        return None;
    }
    if !rule.transport.is_empty() {
        let class = evidence.transport.as_ref()?.class;
        if !rule.transport.contains(&class) {
            return None;
        }
    }
    if !rule.phase.is_empty() && !evidence.phase.is_some_and(|p| rule.phase.contains(&p)) {
        return None;
    }
    if rule.partial.is_some_and(|want| want != (evidence.partial_chars > 0)) {
        return None;
    }
    if rule.images.is_some_and(|want| evidence.request.images.map(|n| n > 0) != Some(want)) {
        return None;
    }
    if rule.body.is_some_and(|want| want != scene.body) {
        return None;
    }
    if rule.waits.is_some_and(|want| want != scene.waits) {
        return None;
    }
    if !rule.raw.is_empty() && !rule.raw.iter().any(|part| scene.text.contains(part.as_str())) {
        return None;
    }
    if rule.max_len.is_some_and(|max| layers[index].text.len() > max) {
        return None;
    }
    decide(conditions, rule.reach.unwrap_or(GROUP_REACH), hits, layers, index)
}

/// The words of a layer that fulfil the conditions; `Some(None)` if there are no conditions on
/// words.
fn decide(
    conditions: &Conditions,
    reach: usize,
    hits: &Hits,
    layers: &[Layer],
    index: usize,
) -> Option<Option<(usize, usize)>> {
    let (lead, groups) = match (&conditions.any[..], &conditions.all[..]) {
        ([], []) => {
            let end = layers[index].text.len();
            return (!hits.vetoed(&conditions.absent, layers, index, (0, end))).then_some(None);
        }
        ([], [first, rest @ ..]) => (&first[..], rest),
        (any, all) => (any, all),
    };
    let mut leads: Vec<(usize, usize)> = lead
        .iter()
        .flat_map(|word| hits.of(index, *word))
        .map(|(_, start, end)| (*start, *end))
        .collect();
    // The longest word says most; among equals the first.
    leads.sort_by_key(|(start, end)| (std::cmp::Reverse(end - start), *start));
    leads.into_iter().find_map(|lead| {
        let mut span = lead;
        for group in groups {
            let (start, end) = hits.near(group, index, lead, reach)?;
            // Words close together are shown as one stretch.
            if start <= span.1 + 120 && span.0 <= end + 120 {
                span = (span.0.min(start), span.1.max(end));
            }
        }
        if hits.vetoed(&conditions.absent, layers, index, lead) {
            return None;
        }
        match &conditions.regex {
            None => Some(Some(span)),
            Some(regex) => {
                let found = regex.get().find(layers[index].text.as_str())?;
                Some(Some((found.start(), found.end())))
            }
        }
    })
}

/// The status that counts for a layer: its own, else that of the layer around it, else that of
/// the HTTP answer.
fn status_of(evidence: &Evidence, layers: &[Layer], index: usize) -> Option<u16> {
    let layer = &layers[index];
    let http = evidence.status.filter(|status| *status >= 300);
    if layer.depth == 0 && layer.origin == Origin::Body {
        return http.or(layer.status).or(evidence.status);
    }
    layer
        .status
        .or_else(|| {
            layers[..index]
                .iter()
                .rev()
                .filter(|outer| outer.depth < layer.depth)
                .find_map(|outer| outer.status)
        })
        .or(evidence.status)
}

fn body_form(unwrapped: &Unwrapped) -> BodyForm {
    if unwrapped.empty {
        return BodyForm::Empty;
    }
    if unwrapped.html {
        return BodyForm::Html;
    }
    let plain = unwrapped.layers.first().is_some_and(|layer| layer.text.len() > 0);
    match (plain, unwrapped.layers.len()) {
        (true, _) => {
            let text = unwrapped.layers[0].text.as_str().trim();
            if matches!(text, "null" | "{}" | "[]" | "\"\"") {
                BodyForm::Empty
            } else {
                BodyForm::Text
            }
        }
        (false, 1) => BodyForm::Empty,
        (false, _) => BodyForm::Json,
    }
}
