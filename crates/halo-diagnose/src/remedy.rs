//! Ways forward, scope and blame per kind, read from `remedies.toml`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use halo_types::{Action, Blame, Evidence, Kind, Lang, Remedy, Scope};
use serde::Deserialize;

use crate::{Vendor, action_text};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    scope: BTreeMap<Kind, Scope>,
    blame: BTreeMap<Kind, Blame>,
    remedies: BTreeMap<Kind, Vec<Action>>,
}

impl File {
    fn read() -> Self {
        serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/remedies.json")))
            .unwrap_or_else(|error| panic!("remedies: {error}"))
    }
}

/// What is said of one kind.
struct Advice {
    scope: Scope,
    blame: Blame,
    remedies: Vec<Action>,
}

/// For every kind, in their order.
static TABLE: LazyLock<Vec<Advice>> = LazyLock::new(|| {
    let mut file = File::read();
    let advice = Kind::ALL.iter().map(|kind| Advice {
        scope: file.scope.remove(kind).unwrap_or(Scope::Request),
        blame: file.blame.remove(kind).unwrap_or(Blame::Provider),
        remedies: file.remedies.remove(kind).unwrap_or_default(),
    });
    advice.collect()
});

pub(crate) fn scope(kind: Kind) -> Scope {
    TABLE[kind as usize].scope
}

pub(crate) fn blame(kind: Kind) -> Blame {
    TABLE[kind as usize].blame
}

/// The remedies of a kind, or the rule's own list, worded and with the vendor's pages.
pub(crate) fn remedies(
    kind: Kind,
    own: Option<&[Action]>,
    transient: bool,
    vendor: Option<&'static Vendor>,
    evidence: &Evidence,
    lang: Lang,
) -> Vec<Remedy> {
    let no_images = evidence.request.images == Some(0);
    let mut actions = Cow::Borrowed(own.unwrap_or(&TABLE[kind as usize].remedies));
    if kind == Kind::RequestTooLarge && evidence.request.images.is_none() {
        // Where nobody knows of a picture, the text comes first.
        let picture = evidence.body.text().to_ascii_lowercase().contains("image");
        actions.to_mut().sort_by_key(|action| {
            picture || !matches!(action, Action::CompactAndResend | Action::EditMessage)
        });
    }
    let fitting = actions.iter().copied().filter(|action| match action {
        // A picture that was not sent cannot be left out.
        Action::ResendWithoutImages | Action::ShrinkImagesAndResend => !no_images,
        // Sending again unchanged is advice only where it may help.
        Action::WaitAndResend => transient,
        Action::Resend => {
            transient || matches!(kind, Kind::Cancelled | Kind::Unknown | Kind::Network)
        }
        Action::Continue => evidence.partial_chars > 0 || evidence.phase.is_none(),
        _ => true,
    });
    let worded = fitting.filter_map(|action| {
        let url = url(action, vendor);
        // An action that only opens a page needs the page; settings and the like do not.
        let needs_url = matches!(
            action,
            Action::OpenBilling
                | Action::OpenLimits
                | Action::OpenConsole
                | Action::OpenStatus
                | Action::ContactProvider
        );
        // On the person's own machine there is no provider to pay or to ask.
        let local = vendor.is_some_and(|vendor| vendor.local);
        let known = vendor.is_some() && action != Action::OpenBilling;
        (!needs_url || url.is_some() || !(known || local)).then(|| Remedy {
            action,
            text: action_text(action, lang).into(),
            url,
        })
    });
    let mut remedies = Vec::with_capacity(actions.len());
    remedies.extend(worded);
    remedies
}

fn url(action: Action, vendor: Option<&'static Vendor>) -> Option<Cow<'static, str>> {
    let vendor = vendor?;
    let url = match action {
        Action::OpenBilling => vendor.billing_url.as_ref().or(vendor.console_url.as_ref()),
        Action::OpenLimits => vendor.limits_url.as_ref(),
        Action::OpenConsole => vendor.console_url.as_ref().or(vendor.keys_url.as_ref()),
        Action::OpenStatus => vendor.status_url.as_ref(),
        Action::ContactProvider => vendor.support_url.as_ref(),
        _ => None,
    };
    url.map(|url| url.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_nobody_speaks_of_is_not_the_first_thing_to_leave_out() {
        let first = |body: &str| {
            let evidence = Evidence::from_text(body);
            let kind = Kind::RequestTooLarge;
            remedies(kind, None, false, None, &evidence, Lang::En)[0].action
        };
        assert_eq!(first("Request Entity Too Large"), Action::CompactAndResend);
        assert_eq!(first("total image size is too large"), Action::ShrinkImagesAndResend);
    }

    #[test]
    fn every_kind_has_scope_blame_and_remedies() {
        let file = File::read();
        for kind in Kind::ALL {
            assert!(file.scope.contains_key(kind), "{kind}");
            assert!(file.blame.contains_key(kind), "{kind}");
            let list = &file.remedies[kind];
            assert!(list.contains(&Action::NewConversation), "{kind}");
            let mut once = list.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), list.len(), "{kind}: an action is named twice");
            if !kind.is_transient() {
                assert!(!list.contains(&Action::WaitAndResend), "{kind}");
            }
        }
    }
}
