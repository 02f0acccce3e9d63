//! What a failure means and what may be done about it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{IdError, Kind, Timestamp};

/// One failure, understood. This one shape serves the library, `halo explain --json`, the
/// gateway and exports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What kind of failure it is.
    pub kind: Kind,
    /// Whether an unchanged request may succeed later.
    pub transient: bool,
    /// Who reported it, where that is known (`openai`, `openrouter`, …).
    pub vendor: Option<String>,
    /// Who handed the error on, outermost first; the last one is the innermost speaker.
    pub layers: Vec<String>,
    /// What the fault is attached to.
    pub scope: Scope,
    /// Whose side the fault is on.
    pub blame: Blame,
    /// How sure the verdict is.
    pub confidence: Confidence,
    /// How long to wait, where the provider said so.
    pub retry: Option<Retry>,
    /// Numbers, names and times read from text and headers.
    pub facts: Facts,
    /// One line for the head of a card.
    pub title: Cow<'static, str>,
    /// One or two sentences in plain language.
    pub meaning: Cow<'static, str>,
    /// Ways forward, best first.
    pub remedies: Vec<Remedy>,
    /// What decided.
    pub because: Because,
}

/// What a fault is attached to; it tells what must change for the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This request only.
    Request,
    /// The whole conversation.
    Conversation,
    /// The model.
    Model,
    /// The key.
    Key,
    /// The account or organisation.
    Account,
    /// The provider or the endpoint.
    Provider,
    /// The way to the provider.
    Network,
}

/// Whose side a fault is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The request as it was made.
    Caller,
    /// The account: its money, rights or state.
    Account,
    /// A relay or proxy in between.
    Proxy,
    /// The provider.
    Provider,
    /// The network.
    Network,
    /// Halo itself.
    Halo,
}

/// How sure a verdict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Little to go on.
    Guess,
    /// Words that usually mean this.
    Likely,
    /// A documented code or an unmistakable sentence.
    Certain,
}

/// How long the provider asks to wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Milliseconds from the moment of the failure.
    pub after_ms: u64,
    /// Where it was read: `header:retry-after`, `body`, …
    pub from: String,
}

/// Numbers, names and times read from text and headers. Token figures are in tokens.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The model's window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// What the request held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// The output that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_output_tokens: Option<u64>,
    /// The most the model can write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// The value of the limit that was hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What is left of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
    /// What the limit counts: `requests_per_minute`, `tokens_per_minute`, `requests_per_day`,
    /// `tokens_per_day`, `concurrency`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_scope: Option<String>,
    /// When the limit is lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_at: Option<Timestamp>,
    /// The model the error names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The parameter the error names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The provider's request id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The balance the error names, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<String>,
    /// Anything else, by name.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// One way forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// What to do.
    pub action: Action,
    /// The same in words, in the language asked for.
    pub text: Cow<'static, str>,
    /// The page to open, for actions that open one and where an official address is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Cow<'static, str>>,
}

/// What decided, so that a reader can disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Because {
    /// The stable id of the rule.
    pub rule: String,
    /// Where it looked: `body`, `header:NAME`, `status`, `transport`, `phase`, or `none`.
    pub field: String,
    /// Byte range in the body as given; `None` where something else decided.
    pub span: Option<(usize, usize)>,
    /// The words that decided, unescaped.
    pub quote: String,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// A way forward that Halo can perform or open.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Action {
            $($(#[$doc])* $variant,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Action] = &[$(Action::$variant,)*];

            /// The stable name used in JSON and forms.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Action::$variant => $name,)* }
            }
        }

        impl FromStr for Action {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                match text {
                    $($name => Ok(Action::$variant),)*
                    _ => Err(IdError { what: "action", text: text.chars().take(80).collect() }),
                }
            }
        }
    };
}

actions! {
    /// Wait as told, then send again.
    WaitAndResend = "wait_and_resend";
    /// Send again as it is.
    Resend = "resend";
    /// Ask for the rest of a broken answer.
    Continue = "continue";
    /// Summarise the older part, then send again.
    CompactAndResend = "compact_and_resend";
    /// Leave the pictures out, then send again.
    ResendWithoutImages = "resend_without_images";
    /// Make the pictures smaller, then send again.
    ShrinkImagesAndResend = "shrink_images_and_resend";
    /// Mend the message list, then send again.
    RepairHistoryAndResend = "repair_history_and_resend";
    /// Leave the refused parameter out, then send again.
    DropParameterAndResend = "drop_parameter_and_resend";
    /// Ask for a shorter answer, then send again.
    LowerMaxTokensAndResend = "lower_max_tokens_and_resend";
    /// Use another model.
    SwitchModel = "switch_model";
    /// Use another provider.
    SwitchProvider = "switch_provider";
    /// Open the settings at the key.
    OpenSettingsKey = "open_settings_key";
    /// Open the settings at the base URL.
    OpenSettingsUrl = "open_settings_url";
    /// Open the settings at the model.
    OpenSettingsModel = "open_settings_model";
    /// Open the provider's billing page.
    OpenBilling = "open_billing";
    /// Edit the prompt.
    EditMessage = "edit_message";
    /// Start a new conversation.
    NewConversation = "new_conversation";
    /// Check the network.
    CheckNetwork = "check_network";
    /// Open the provider's console, for example to enable access.
    OpenConsole = "open_console";
    /// Open the provider's page of limits, for example to upgrade the plan.
    OpenLimits = "open_limits";
    /// Open the provider's status page.
    OpenStatus = "open_status";
    /// Contact the provider.
    ContactProvider = "contact_provider";
    /// Copy or send a report.
    Report = "report";
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A language of explanations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// The short tag: `en` or `zh`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}

impl FromStr for Lang {
    type Err = IdError;

    /// Takes `en`, `zh` and longer tags that begin so (`zh-CN`, `en_GB.UTF-8`).
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("en") => Ok(Self::En),
            Some("zh") => Ok(Self::Zh),
            _ => {
                Err(IdError { what: "language (en or zh)", text: text.chars().take(80).collect() })
            }
        }
    }
}
