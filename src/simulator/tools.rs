//! Chooses the tool that an answer calls and fills its arguments from the tool's own schema.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A call of one of the caller's tools.
pub(super) struct ToolCall {
    pub(super) name: String,
    /// A JSON object.
    pub(super) arguments: String,
}

/// The tool named by `choice`, else the first function; none when the caller offers none or
/// forbids them.
pub(super) fn choose(tools: Option<&RawValue>, choice: Option<&RawValue>) -> Option<ToolCall> {
    let tools: Vec<Value> = serde_json::from_str(tools?.get()).ok()?;
    let choice = choice.map_or("", RawValue::get);
    if choice.to_ascii_lowercase().contains("\"none\"") {
        return None;
    }
    let functions: Vec<&Value> = tools.iter().flat_map(functions).collect();
    let named = functions.iter().find(|function| {
        name(function).is_some_and(|name| choice.contains(&format!("\"{name}\"")))
    });
    let function = named.or(functions.first())?;
    Some(ToolCall {
        name: name(function)?.to_owned(),
        arguments: sample(schema(function)).to_string(),
    })
}

/// Each dialect wraps its functions differently; tools that the provider runs itself have none.
fn functions(tool: &Value) -> Vec<&Value> {
    let declarations = tool
        .get("functionDeclarations")
        .or_else(|| tool.get("function_declarations"));
    if let Some(declarations) = declarations.and_then(Value::as_array) {
        return declarations.iter().collect();
    }
    let own = match tool.get("type").and_then(Value::as_str) {
        None | Some("function" | "custom") => tool.get("function").unwrap_or(tool),
        Some(_) => return Vec::new(),
    };
    name(own).map(|_| own).into_iter().collect()
}

fn name(function: &Value) -> Option<&str> {
    function.get("name")?.as_str()
}

fn schema(function: &Value) -> &Value {
    ["parameters", "input_schema", "parametersJsonSchema"]
        .iter()
        .find_map(|key| function.get(key))
        .unwrap_or(&Value::Null)
}

/// A smallest value that the schema accepts, as far as it says so by type, enum and required.
fn sample(schema: &Value) -> Value {
    if let Some(first) = schema.get("enum").and_then(|values| values.get(0)) {
        return first.clone();
    }
    let kind = schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("object");
    match kind.to_ascii_lowercase().as_str() {
        "string" => "simulated".into(),
        "integer" | "number" => 1.into(),
        "boolean" => true.into(),
        "array" => Value::Array(Vec::new()),
        _ => Value::Object(required(schema)),
    }
}

fn required(schema: &Value) -> Map<String, Value> {
    let names = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let property = |name: &str| schema.get("properties").and_then(|all| all.get(name));
    names
        .filter_map(Value::as_str)
        .map(|name| {
            (
                name.to_owned(),
                property(name).map_or_else(|| "simulated".into(), sample),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::choose;

    fn called(tools: &str, choice: &str) -> Option<(String, String)> {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        choose(Some(&raw(tools)), Some(&raw(choice))).map(|call| (call.name, call.arguments))
    }

    #[test]
    fn fills_the_required_arguments_by_type() {
        let tools = r#"[{"type":"function","function":{"name":"f","parameters":{"type":"object",
            "properties":{"a":{"type":"string"},"b":{"type":"INTEGER"},"c":{"enum":["x"]},"d":{}},
            "required":["a","b","c"]}}}]"#;
        let (name, arguments) = called(tools, r#""auto""#).unwrap();
        assert_eq!(
            (name.as_str(), arguments.as_str()),
            ("f", r#"{"a":"simulated","b":1,"c":"x"}"#)
        );
    }

    #[test]
    fn takes_the_tool_that_is_named_and_none_when_forbidden() {
        let tools = r#"[{"functionDeclarations":[{"name":"f"},{"name":"g"}]}]"#;
        assert_eq!(
            called(tools, r#"{"allowedFunctionNames":["g"]}"#)
                .unwrap()
                .0,
            "g"
        );
        assert!(called(tools, r#"{"mode":"NONE"}"#).is_none());
        assert!(called(r#"[{"type":"web_search","name":"w"}]"#, "null").is_none());
    }
}
