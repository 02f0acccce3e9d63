//! Writes settings back, changing only what differs, so that comments and order stay.

use toml_edit::{Array, Decor, DocumentMut, Item, RawString, Table, TableLike, Value};

use crate::connection::FIELDS;
use crate::keys::KEYS;
use crate::{ProviderConfig, Settings, preset};

const HEAD: &str =
    "# Settings of Halo. Halo changes single values here and leaves the rest as it is.\n\n";

/// A document for a file that does not exist yet.
pub(crate) fn fresh() -> DocumentMut {
    let mut document = DocumentMut::new();
    document.decor_mut().set_prefix(HEAD);
    document
}

/// Makes the document say what `wanted` holds. `now` is what it says already.
pub(crate) fn apply(document: &mut DocumentMut, now: &Settings, wanted: &Settings) {
    for key in KEYS {
        let (old, new) = ((key.value)(now), (key.value)(wanted));
        if text_of(old.as_ref()) == text_of(new.as_ref()) {
            continue;
        }
        match key.name.split_once('.') {
            None if new.is_none() => remove(document, key.name),
            None => put(document.as_table_mut(), key.name, new),
            Some((table, inner)) => {
                if let Some(table) = subtable(document.as_table_mut(), table, false) {
                    put(table, inner, new);
                }
            }
        }
    }
    if now.providers != wanted.providers {
        providers(document, now, wanted);
    }
}

fn providers(document: &mut DocumentMut, now: &Settings, wanted: &Settings) {
    let Some(table) = subtable(document.as_table_mut(), "providers", true) else { return };
    for gone in now.providers.iter().filter(|old| wanted.provider(&old.id).is_none()) {
        table.remove(gone.id.as_str());
    }
    for new in &wanted.providers {
        let old = now.provider(&new.id);
        if old != Some(new)
            && let Some(table) = subtable(table, new.id.as_str(), false)
        {
            provider(table, old, new);
        }
    }
}

/// A value that equals what stands there, or what the preset says where nothing stands, is not
/// touched.
fn provider(table: &mut dyn TableLike, old: Option<&ProviderConfig>, new: &ProviderConfig) {
    let preset = preset(&new.preset);
    let base = preset.map(|preset| ProviderConfig::from_preset(preset, new.id.clone()));
    let said = old.or(base.as_ref());
    let differs = |same: fn(&ProviderConfig, &ProviderConfig) -> bool| {
        said.is_none_or(|said| !same(said, new))
    };
    if old.is_none_or(|old| old.preset != new.preset) {
        put(table, "preset", Some(new.preset.as_str().into()));
    }
    // A change of preset changes what the unwritten keys mean, so then all are written.
    let moved = old.is_some_and(|old| old.preset != new.preset);
    if moved || differs(|a, b| a.name == b.name) {
        put(table, "name", Some(new.name.as_str().into()));
    }
    if moved || differs(|a, b| a.protocol == b.protocol) {
        put(table, "protocol", Some(new.protocol.as_str().into()));
    }
    if old.is_none() || moved || differs(|a, b| a.base_url == b.base_url) {
        put(table, "base_url", Some(new.base_url.as_str().into()));
    }
    if differs(|a, b| a.key_env == b.key_env) {
        put(table, "key_env", new.key_env.as_deref().map(Value::from));
    }
    if moved || differs(|a, b| a.needs_key == b.needs_key) {
        put(table, "needs_key", Some(new.needs_key.into()));
    }
    if moved || differs(|a, b| a.models == b.models) {
        put(table, "models", Some(list(&new.models)));
    }
    for field in FIELDS {
        let wanted = (field.value)(&new.connection);
        let stands = old.and_then(|old| (field.value)(&old.connection));
        if text_of(wanted.as_ref()) != text_of(stands.as_ref()) {
            put(table, field.name, wanted);
        }
    }
}

/// One name a line once there are several: lists of models are long.
fn list(names: &[String]) -> Value {
    let mut array: Array = names.iter().map(String::as_str).collect();
    if names.len() > 3 {
        for value in array.iter_mut() {
            value.decor_mut().set_prefix("\n    ");
        }
        array.set_trailing("\n");
        array.set_trailing_comma(true);
    }
    Value::Array(array)
}

/// Removes a value of the root; the comment above it moves to what follows, since the head of a
/// file stands above its first value.
fn remove(document: &mut DocumentMut, key: &str) {
    let comment = document
        .as_table()
        .key(key)
        .and_then(|key| key.leaf_decor().prefix()?.as_str())
        .filter(|prefix| prefix.contains('#'))
        .map(str::to_owned);
    let next =
        document.iter().map(|(name, _)| name.to_owned()).skip_while(|name| name != key).nth(1);
    document.remove(key);
    let Some(comment) = comment else { return };
    let prepend = |decor: &mut Decor| {
        let rest = decor.prefix().and_then(RawString::as_str).unwrap_or_default();
        decor.set_prefix(format!("{comment}{rest}"));
    };
    match next {
        None => {
            let rest = document.trailing().as_str().unwrap_or_default();
            document.set_trailing(format!("{comment}{rest}"));
        }
        Some(next) => match document.get_mut(&next) {
            Some(Item::Table(table)) => prepend(first_written(table)),
            _ => {
                if let Some(mut key) = document.as_table_mut().key_mut(&next) {
                    prepend(key.leaf_decor_mut());
                }
            }
        },
    }
}

/// The table itself, or the first one inside it where only those are written.
fn first_written(table: &mut Table) -> &mut Decor {
    if table.is_implicit() && table.iter().any(|(_, item)| item.is_table()) {
        let inner = table.iter_mut().find_map(|(_, item)| item.as_table_mut());
        return inner.expect("one of the items is a table").decor_mut();
    }
    table.decor_mut()
}

/// Sets or removes one value; the comment behind it stays.
fn put(table: &mut dyn TableLike, key: &str, value: Option<Value>) {
    let Some(mut value) = value else {
        table.remove(key);
        return;
    };
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(place) => {
            *value.decor_mut() = place.decor().clone();
            *place = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// The table of that name, made where there is none.
fn subtable<'t>(
    parent: &'t mut dyn TableLike,
    name: &str,
    implicit: bool,
) -> Option<&'t mut dyn TableLike> {
    if !parent.contains_key(name) {
        let mut table = Table::new();
        table.set_implicit(implicit);
        parent.insert(name, Item::Table(table));
    }
    parent.get_mut(name)?.as_table_like_mut()
}

fn text_of(value: Option<&Value>) -> Option<String> {
    value.map(|value| value.to_string().trim().to_owned())
}
