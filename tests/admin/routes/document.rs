//! What the document says of bodies and queries, and what contradicts it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::installation::Installation;
use crate::routes::table::Route;

/// The document of the API.
pub(super) struct Document(Value);

type Schema = Value;

/// A body or a part of one, and the names of the fields that lead to what is wrong with it.
type Wrong = (Vec<String>, Value);

impl Document {
    pub(super) async fn of(installation: &Installation) -> Self {
        let answer = installation.send("GET", "/docs/json", None, "").await;
        Self(answer.json())
    }

    pub(super) fn operation(&self, route: &Route) -> &Value {
        &self.0["paths"][route.path][route.method.to_ascii_lowercase()]
    }

    /// The schema of a route's body, where it has one.
    pub(super) fn body_of(&self, route: &Route) -> Option<Schema> {
        let body = &self.operation(route)["requestBody"];
        let schema = &body["content"]["application/json"]["schema"];
        schema.is_object().then(|| schema.clone())
    }

    /// A sample has each field that the document names, here and below.
    pub(super) fn assert_names_each_field(&self, schema: &Schema, sample: &Value, place: &str) {
        let (properties, _) = self.properties(schema, sample);
        for (name, schema) in properties {
            let sample = &sample[&name];
            let is_known = !sample.is_null() || self.kinds(&schema).contains(&"null");
            assert!(is_known, "{place}: the sample lacks {name}");
            if sample.is_null() {
                continue;
            }
            let first = sample.get(0).unwrap_or(sample);
            let schema = self.fitting(&schema, sample);
            let items = schema.get("items").cloned().unwrap_or(schema);
            self.assert_names_each_field(&items, first, &format!("{place}/{name}"));
        }
    }

    /// Bodies that are the sample but for one thing that the document does not allow, each with the
    /// names of the fields that lead to what is at fault.
    pub(super) fn wrong_bodies(&self, schema: &Schema, sample: &Value) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let (properties, required) = self.properties(schema, sample);
        for name in required {
            let mut body = sample.clone();
            body.as_object_mut().unwrap().remove(&name);
            wrong.push((vec![name], body));
        }
        for (name, schema) in properties {
            for (mut names, value) in self.wrong_values(&schema, &sample[&name]) {
                let mut body = sample.clone();
                body[&name] = value;
                names.push(name.clone());
                wrong.push((names, body));
            }
        }
        wrong
    }

    /// Values of the wrong type, and values of the right one with something wrong in them.
    fn wrong_values(&self, schema: &Schema, sample: &Value) -> Vec<Wrong> {
        let allowed = self.kinds(schema);
        let any = [
            ("null", Value::Null),
            ("boolean", json!(true)),
            ("number", json!(7)),
            ("string", json!("no such thing")),
            ("array", json!([[]])),
            ("object", json!({"x": {}})),
        ];
        let others = any.into_iter().filter(|(kind, _)| !allowed.contains(kind));
        let mut wrong: Vec<Wrong> = others.map(|(_, value)| (Vec::new(), value)).collect();
        let schema = self.fitting(schema, sample);
        if let (Some(items), Some(first)) = (schema.get("items"), sample.get(0)) {
            let values = self.wrong_values(items, first).into_iter();
            wrong.extend(values.map(|(names, value)| (names, json!([value]))));
        }
        if schema.get("enum").is_some() {
            wrong.push((Vec::new(), json!("no such name")));
        }
        if sample.is_object() {
            wrong.extend(self.wrong_bodies(&schema, sample));
        }
        wrong
    }

    /// Values of each query parameter that has bounds or names, and whether they are right.
    pub(super) fn values_of_parameters(&self, route: &Route) -> Vec<(String, Vec<(String, bool)>)> {
        let parameters = self.operation(route)["parameters"].as_array();
        let parameters = parameters.into_iter().flatten();
        let of_query = parameters.filter(|parameter| parameter["in"] == "query");
        of_query
            .map(|parameter| {
                let name = parameter["name"].as_str().unwrap().to_owned();
                let schema = self.resolved(&parameter["schema"]);
                let schema = schema.get("items").cloned().unwrap_or(schema);
                (name, values_of(&self.resolved(&schema)))
            })
            .collect()
    }

    /// The route's path with one parameter, and with those others that have to be there.
    pub(super) fn call_with(&self, route: &Route, name: &str, value: &str) -> String {
        let (path, query) = route.call.split_once('?').unwrap_or((route.call, ""));
        let parameters = self.operation(route)["parameters"].as_array();
        let is_needed = |given: &&str| {
            let known = parameters.into_iter().flatten().find(|parameter| {
                let known = parameter["name"].as_str().unwrap();
                given.split('=').next() == Some(known)
            });
            known.is_some_and(|known| known["required"] == true && known["name"] != name)
        };
        let mut call = format!("{path}?{name}={value}");
        for given in query.split('&').filter(is_needed) {
            call = format!("{call}&{given}");
        }
        call
    }

    /// The properties of an object and the names of those that must be there.
    fn properties(
        &self,
        schema: &Schema,
        sample: &Value,
    ) -> (BTreeMap<String, Schema>, Vec<String>) {
        let schema = self.fitting(schema, sample);
        let mut properties = BTreeMap::new();
        let mut required = Vec::new();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            let (more, needed) = self.properties(part, sample);
            properties.extend(more);
            required.extend(needed);
        }
        let own = schema["properties"].as_object().cloned();
        properties.extend(own.unwrap_or_else(Map::new));
        let needed = schema["required"].as_array().into_iter().flatten();
        required.extend(needed.map(|name| name.as_str().unwrap().to_owned()));
        (properties, required)
    }

    /// Of several schemas the one that a sample is meant for.
    fn fitting(&self, schema: &Schema, sample: &Value) -> Schema {
        let schema = self.resolved(schema);
        let Some(choices) = schema["oneOf"].as_array() else {
            return schema;
        };
        let fits = |choice: &&Value| self.kinds(choice).contains(&kind(sample));
        let choice = choices.iter().find(fits).unwrap_or(&Value::Null);
        self.resolved(choice)
    }

    /// The kinds of JSON that a schema allows.
    fn kinds(&self, schema: &Schema) -> Vec<&'static str> {
        let schema = self.resolved(schema);
        if let Some(choices) = schema["oneOf"].as_array() {
            return choices.iter().flat_map(|one| self.kinds(one)).collect();
        }
        if schema["allOf"].is_array() {
            return vec!["object"];
        }
        let one = || vec![schema["type"].clone()];
        let kinds = schema["type"].as_array().cloned().unwrap_or_else(one);
        let known = |kind: &Value| match kind.as_str().unwrap() {
            "integer" | "number" => "number",
            "string" => "string",
            "boolean" => "boolean",
            "array" => "array",
            "object" => "object",
            "null" => "null",
            other => panic!("what is {other}?"),
        };
        kinds.iter().map(known).collect()
    }

    fn resolved(&self, schema: &Schema) -> Schema {
        let Some(reference) = schema["$ref"].as_str() else {
            return schema.clone();
        };
        let pointer = reference.strip_prefix('#').unwrap();
        self.resolved(self.0.pointer(pointer).unwrap())
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn values_of(schema: &Schema) -> Vec<(String, bool)> {
    if let Some(names) = schema["enum"].as_array() {
        let right = names
            .iter()
            .map(|name| (name.as_str().unwrap().to_owned(), true));
        return right.chain([("no-such-name".to_owned(), false)]).collect();
    }
    if schema["type"] != "integer" {
        return Vec::new();
    }
    let (least, most) = (&schema["minimum"], &schema["maximum"]);
    let (least, most) = (least.as_i64().unwrap(), most.as_i64().unwrap());
    let mut values: Vec<(String, bool)> =
        ["abc", "1.5", "-1", "1e3", "%20", "99999999999999999999"]
            .map(|text| (text.to_owned(), false))
            .into();
    values.push((least.to_string(), true));
    values.push((least.saturating_sub(1).to_string(), false));
    // The largest id is nobody's.
    if most < i64::MAX {
        values.push((most.to_string(), true));
        values.push((most.saturating_add(1).to_string(), false));
    }
    values
}
