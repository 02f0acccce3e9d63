//! What was removed a moment ago and can still be brought back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use halo_config::{ProviderConfig, RemovedRule, Secret};
use halo_store::TokenRow;
use halo_types::{Fact, FactId, ProviderId, Target};

/// How many removed things are remembered.
const KEPT: usize = 16;

/// A provider with what went with it.
#[derive(Clone)]
pub(super) struct RemovedProvider {
    pub(super) provider: ProviderConfig,
    /// The keys of the file.
    pub(super) keys: Vec<Secret>,
    /// The default model, where it was one of this provider.
    pub(super) default: Option<Target>,
}

#[derive(Default)]
struct Inner {
    providers: VecDeque<RemovedProvider>,
    tokens: VecDeque<TokenRow>,
    rules: VecDeque<RemovedRule>,
    facts: VecDeque<Fact>,
}

/// Removed providers, gateway keys, rules and facts, in memory only: a removed key is not kept on disk.
#[derive(Clone, Default)]
pub(super) struct Removed(Arc<Mutex<Inner>>);

impl Removed {
    pub(super) fn keep_provider(&self, removed: RemovedProvider) {
        self.with(|inner| push(&mut inner.providers, removed));
    }

    /// The last removed provider of that name.
    pub(super) fn provider(&self, id: &ProviderId) -> Option<RemovedProvider> {
        self.with(|inner| inner.providers.iter().rev().find(|r| r.provider.id == *id).cloned())
    }

    pub(super) fn forget_provider(&self, id: &ProviderId) {
        self.with(|inner| inner.providers.retain(|r| r.provider.id != *id));
    }

    pub(super) fn keep_token(&self, token: TokenRow) {
        self.with(|inner| push(&mut inner.tokens, token));
    }

    pub(super) fn token(&self, hash: &str) -> Option<TokenRow> {
        self.with(|inner| inner.tokens.iter().rev().find(|t| t.hash == hash).cloned())
    }

    pub(super) fn keep_rule(&self, rule: RemovedRule) {
        self.with(|inner| push(&mut inner.rules, rule));
    }

    pub(super) fn rule(&self, id: &str) -> Option<RemovedRule> {
        self.with(|inner| inner.rules.iter().rev().find(|rule| rule.id == id).cloned())
    }

    pub(super) fn keep_fact(&self, fact: Fact) {
        self.with(|inner| push(&mut inner.facts, fact));
    }

    pub(super) fn fact(&self, id: FactId) -> Option<Fact> {
        self.with(|inner| inner.facts.iter().rev().find(|fact| fact.id == id).cloned())
    }

    fn with<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() == KEPT {
        list.pop_front();
    }
    list.push_back(item);
}
