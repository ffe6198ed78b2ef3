//! As much of JSON Schema as `docs/event.schema.json` uses, for the test that events are what it says.

use serde_json::Value;

/// What is wrong with `value`, each with the path to it.
pub(super) fn problems(root: &Value, value: &Value) -> Vec<String> {
    check(root, root, value, "$")
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        let target = root.pointer(pointer).unwrap_or_else(|| panic!("no {reference}"));
        return check(root, target, value, path);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return one_of(root, choices, value, path);
    }
    let mut found = Vec::new();
    if !schema["type"].is_null() && !types(&schema["type"]).contains(&kind(value)) {
        found.push(format!("{path}: {} is not {}", kind(value), schema["type"]));
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        found.push(format!("{path}: {value} is not {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
        found.push(format!("{path}: {value} is not one of {}", schema["enum"]));
    }
    for item in value.as_array().into_iter().flatten() {
        found.extend(check(root, &schema["items"], item, &format!("{path}[]")));
    }
    found.extend(keys(root, schema, value, path));
    found
}

fn one_of(root: &Value, choices: &[Value], value: &Value, path: &str) -> Vec<String> {
    let mut tried: Vec<Vec<String>> =
        choices.iter().map(|choice| check(root, choice, value, path)).collect();
    match tried.iter().filter(|problems| problems.is_empty()).count() {
        1 => Vec::new(),
        0 => {
            tried.sort_by_key(Vec::len);
            tried.swap_remove(0)
        }
        several => vec![format!("{path}: {several} alternatives fit")],
    }
}

fn keys(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let Some(object) = value.as_object() else { return Vec::new() };
    let mut found = Vec::new();
    for name in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            found.push(format!("{path}: {name} is missing"));
        }
    }
    for (name, inner) in object {
        let known = &schema["properties"][name];
        let path = format!("{path}.{name}");
        match (known.is_null(), &schema["additionalProperties"]) {
            (false, _) => found.extend(check(root, known, inner, &path)),
            (true, Value::Object(_)) => {
                found.extend(check(root, &schema["additionalProperties"], inner, &path));
            }
            (true, _) => found.push(format!("{path} is not in the schema")),
        }
    }
    found
}

fn types(schema: &Value) -> Vec<&str> {
    match schema {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": { "a": { "type": ["integer", "null"] }, "b": { "enum": ["x"] } }
    });
    let wrong = serde_json::json!({ "b": "y", "c": 1 });
    assert_eq!(problems(&schema, &wrong).len(), 3);
    assert!(problems(&schema, &serde_json::json!({ "a": null, "b": "x" })).is_empty());
    assert_eq!(problems(&schema, &serde_json::json!({ "a": 1.5 })).len(), 1);
}
