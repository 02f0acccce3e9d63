//! Schemas in Gemini's own form, a subset of OpenAPI 3.0 with types in capitals, and JSON Schema:
//! <https://ai.google.dev/api/caching#Schema>

use serde_json::{Map, Value, json};

/// Deeper schemas are cut off; the providers' own limits are far below.
const MAX_DEPTH: usize = 64;

/// The fields the subset has, apart from those that hold schemas.
const PLAIN: &[&str] = &[
    "title",
    "description",
    "format",
    "nullable",
    "enum",
    "required",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "default",
    "minimum",
    "maximum",
    "propertyOrdering",
];

/// The subset as JSON Schema, which every other protocol takes.
pub(super) fn to_json_schema(schema: &Value) -> Value {
    widen(schema, 0)
}

fn widen(schema: &Value, depth: usize) -> Value {
    let Some(map) = schema.as_object().filter(|_| depth < MAX_DEPTH) else {
        return schema.clone();
    };
    let nullable = map.get("nullable") == Some(&Value::Bool(true));
    let mut wide = Map::new();
    for (key, value) in map {
        let value = match key.as_str() {
            "nullable" | "propertyOrdering" | "property_ordering" => continue,
            "type" => match value.as_str().map(str::to_ascii_lowercase) {
                Some(name) if name == "type_unspecified" => continue,
                Some(name) if nullable => json!([name, "null"]),
                Some(name) => json!(name),
                None => value.clone(),
            },
            "properties" => each(value, |inner| widen(inner, depth + 1)),
            "items" => widen(value, depth + 1),
            "anyOf" | "any_of" => {
                wide.insert("anyOf".to_owned(), list(value, |inner| widen(inner, depth + 1)));
                continue;
            }
            // 64-bit numbers are texts in the JSON of protocol buffers.
            "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties"
            | "maxProperties" => crate::json::count(value).map_or(value.clone(), Value::from),
            _ => value.clone(),
        };
        wide.insert(key.clone(), value);
    }
    Value::Object(wide)
}

/// JSON Schema as the subset, for targets that know nothing else. What it cannot say is lost.
pub(super) fn to_subset(schema: &Value) -> Value {
    narrow(schema, 0)
}

fn narrow(schema: &Value, depth: usize) -> Value {
    let Some(map) = schema.as_object().filter(|_| depth < MAX_DEPTH) else {
        return json!({});
    };
    let mut narrow_map = Map::new();
    for (key, value) in map {
        match key.as_str() {
            "type" => match value {
                Value::Array(names) => {
                    let mut names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                    let all = names.len();
                    names.retain(|name| *name != "null");
                    if names.len() < all {
                        narrow_map.insert("nullable".to_owned(), json!(true));
                    }
                    // Several types at once have no form here; the first is the likeliest.
                    narrow_map.extend(names.first().map(|name| (key.clone(), json!(name))));
                }
                value => drop(narrow_map.insert(key.clone(), value.clone())),
            },
            "properties" => {
                let inner = each(value, |inner| narrow(inner, depth + 1));
                narrow_map.insert(key.clone(), inner);
            }
            "items" => drop(narrow_map.insert(key.clone(), narrow(value, depth + 1))),
            "anyOf" | "oneOf" => {
                let inner = list(value, |inner| narrow(inner, depth + 1));
                narrow_map.insert("anyOf".to_owned(), inner);
            }
            "const" if value.is_string() => {
                narrow_map.insert("enum".to_owned(), json!([value]));
            }
            plain if PLAIN.contains(&plain) => {
                narrow_map.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
    Value::Object(narrow_map)
}

fn each(map: &Value, change: impl Fn(&Value) -> Value) -> Value {
    match map {
        Value::Object(map) => {
            map.iter().map(|(name, inner)| (name.clone(), change(inner))).collect()
        }
        other => other.clone(),
    }
}

fn list(items: &Value, change: impl Fn(&Value) -> Value) -> Value {
    match items {
        Value::Array(items) => items.iter().map(change).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_turned_both_ways() {
        let google = json!({
            "type": "OBJECT",
            "properties": {
                "type": { "type": "STRING", "nullable": true },
                "const": { "type": "ARRAY", "items": { "type": "INTEGER" }, "minItems": "1" },
                "either": { "anyOf": [{ "type": "NUMBER" }, { "type": "STRING" }] },
            },
            "required": ["type"],
        });
        let schema = json!({
            "type": "object",
            "properties": {
                "type": { "type": ["string", "null"] },
                "const": { "type": "array", "items": { "type": "integer" }, "minItems": 1 },
                "either": { "anyOf": [{ "type": "number" }, { "type": "string" }] },
            },
            "required": ["type"],
        });
        assert_eq!(to_json_schema(&google), schema);
        let strict = json!({
            "$schema": "x",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "type": { "type": ["string", "null"] },
                "kind": { "const": "a" },
                "either": { "oneOf": [{ "type": "number", "exclusiveMinimum": 0 }] },
            },
        });
        let subset = json!({
            "type": "object",
            "properties": {
                "type": { "type": "string", "nullable": true },
                "kind": { "enum": ["a"] },
                "either": { "anyOf": [{ "type": "number" }] },
            },
        });
        assert_eq!(to_subset(&strict), subset);
    }
}
