//! Weighs the layers of an error against the rules.

use halo_types::{Evidence, Headers, TransportClass};

use crate::hits::Hits;
use crate::rule::{BodyForm, Rule};
use crate::spelled;
use crate::table::{Conditions, Table, WordConditions};
use crate::text::Text;
use crate::unwrap::{Field, Key, Layer, Origin, Unwrapped};
use crate::vendor::Witnesses;

/// The rule that decided, and where.
pub(crate) struct Verdict<'t> {
    pub(crate) rule: &'t Rule,
    /// The layer it matched; `None` where no words decided.
    pub(crate) layer: Option<usize>,
    /// How strong the rule is: the hundreds of its precedence.
    pub(crate) tier: u16,
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

/// How far apart words may stand that must all be there.
const GROUP_REACH: usize = 600;

/// What the rules may ask about the evidence as a whole.
struct Scene<'a> {
    evidence: &'a Evidence,
    witnesses: &'a Witnesses<'a>,
    body: BodyForm,
    text: &'a str,
    /// Whether a field of the body tells how long to wait.
    waits: bool,
    /// Room for the places that a rule may start from.
    leads: Vec<(usize, usize)>,
}

/// The rule of `table` that decides, if any does.
pub(crate) fn judge<'t>(
    table: &'t Table,
    hits: &Hits,
    evidence: &Evidence,
    text: &str,
    unwrapped: &Unwrapped,
    witnesses: &Witnesses<'_>,
) -> Option<Verdict<'t>> {
    let layers = &unwrapped.layers;
    let waits = layers.iter().flat_map(|l| &l.fields).any(|f| matches!(f.key, Key::Wait(_)));
    let body = body_form(unwrapped);
    let mut scene = Scene { evidence, witnesses, body, text, waits, leads: Vec::new() };
    // The class of a transport fault is a typed witness; of the chain's words only those that tell
    // a certificate or a proxy's refusal say more.
    let typed = evidence.transport.as_ref().is_some_and(|t| t.class != TransportClass::Other);
    let mut best: Option<((u16, u8, u16), Verdict<'t>)> = None;
    // Tries a rule; false where it and all after it are weaker than what was found.
    let mut consider = |rank: u32, index: usize, status: Option<u16>| {
        let number = table.order[rank as usize] as usize;
        let rule = &table.rules[number];
        let layer = &layers[index];
        let mut weight = (rule.precedence / 100, layer.depth, rule.precedence);
        if layer.origin == Origin::Spelled {
            if weight.0 < 6 {
                return false;
            }
            weight.0 = spelled::TIER;
        }
        if best.as_ref().is_some_and(|(other, _)| *other >= weight) {
            return false;
        }
        let untold = layer.origin == Origin::Transport
            && typed
            && rule.precedence < 900
            && rule.transport.is_empty();
        if untold {
            return true;
        }
        let conditions = &table.conditions[number];
        if let Some(span) = holds(rule, conditions, &mut scene, hits, layers, index, status) {
            let layer = span.is_some().then_some(index);
            best = Some((weight, Verdict { rule, layer, tier: weight.0, span }));
            return false;
        }
        true
    };
    // The strongest rule first, layer by layer; those that need no words come last.
    for index in 0..layers.len() {
        let status = status_of(evidence, layers, index);
        for rank in hits.lists(index, &table.tried) {
            if !consider(rank, index, status) {
                break;
            }
        }
    }
    for index in 0..layers.len() {
        let status = status_of(evidence, layers, index);
        for rank in &table.wordless {
            if !consider(*rank, index, status) {
                break;
            }
        }
    }
    best.map(|(_, verdict)| verdict)
}

/// Whether a rule holds for a layer; the words that decided, if words did.
fn holds(
    rule: &Rule,
    conditions: &Conditions,
    scene: &mut Scene<'_>,
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
    let speaks = |vendor: &usize| scene.witnesses.contains(*vendor);
    if !rule.vendor.is_empty() && !conditions.vendor.iter().any(speaks) {
        return None;
    }
    if conditions.not_vendor.iter().any(speaks) {
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
    decide(conditions, rule.reach.unwrap_or(GROUP_REACH), hits, layers, index, &mut scene.leads)
}

/// The words of a layer that fulfil the conditions; `Some(None)` if there are no conditions on
/// words.
fn decide(
    conditions: &Conditions,
    reach: usize,
    hits: &Hits,
    layers: &[Layer],
    index: usize,
    leads: &mut Vec<(usize, usize)>,
) -> Option<Option<(usize, usize)>> {
    let WordConditions { any, all, absent } = &conditions.words;
    let (lead, groups) = match (any.words.is_empty(), &all[..]) {
        (true, []) => {
            let end = layers[index].text.len();
            return (!hits.vetoed(absent, layers, index, (0, end))).then_some(None);
        }
        (true, [first, rest @ ..]) => (first, rest),
        (false, all) => (any, all),
    };
    if groups.iter().any(|group| !hits.has(index, group)) {
        return None;
    }
    leads.clear();
    hits.any_place(index, lead, |place| {
        leads.push(place.span());
        false
    });
    // The longest word says most; among equals the first.
    leads.sort_unstable_by_key(|(start, end)| (std::cmp::Reverse(end - start), *start));
    leads.iter().find_map(|lead| {
        let lead = *lead;
        let mut span = lead;
        for group in groups {
            let (start, end) = hits.near(group, index, lead, reach)?;
            // Words close together are shown as one stretch.
            if start <= span.1 + 120 && span.0 <= end + 120 {
                span = (span.0.min(start), span.1.max(end));
            }
        }
        if hits.vetoed(absent, layers, index, lead) {
            return None;
        }
        match &conditions.regex {
            None => Some(Some(span)),
            Some(regex) => Some(Some(regex.get().find(layers[index].text.as_str())?)),
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
