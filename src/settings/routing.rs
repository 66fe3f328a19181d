//! Providers beside the three, and which of them serve a model: `[upstreams]` and `[models]`.

use std::collections::BTreeMap;

use crate::domain::filter::Patterns;
use crate::settings::base_url::BaseUrl;
use crate::settings::environment::Variable;
use crate::settings::reader::{Reader, quoted};
use crate::settings::secret::WeightedKey;
use crate::settings::server::Server;
use crate::settings::upstream::is_own_address;

/// The providers that are always there.
pub const BUILT_IN: [&str; 3] = ["openai", "anthropic", "google"];
/// The most providers beside them, and the most models with targets of their own.
const TABLES_MAX: usize = 256;
/// The most targets of one model.
const TARGETS_MAX: usize = 8;
/// The longest name of a provider or model.
const NAME_BYTES_MAX: usize = 200;

/// Where requests may go beside the three providers.
#[derive(Debug, Clone, Default)]
pub struct Routing {
    /// `[upstreams.<name>]`, by name.
    pub upstreams: Vec<OwnUpstream>,
    /// `[models.<name>]`, by name.
    pub models: Vec<ModelTargets>,
}

/// A provider that speaks `OpenAI`'s API.
#[derive(Debug, Clone)]
pub struct OwnUpstream {
    /// What it is called here.
    pub name: String,
    /// Without the version segment.
    pub base_url: BaseUrl,
    /// Its keys; none for one that asks for none.
    pub keys: Vec<WeightedKey>,
    /// Where a key stands.
    pub key_header: KeyHeader,
    /// The models that it serves.
    pub models: Patterns,
    /// What models are called there, where that is something else.
    pub names: BTreeMap<String, String>,
    /// Whose prices in the price book are its own.
    pub prices: String,
    /// What is added to each request's query.
    pub query: Option<String>,
}

/// Where a provider looks for the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyHeader {
    /// `Authorization: Bearer`.
    #[default]
    Bearer,
    /// `api-key`, as Azure has it.
    ApiKey,
}

/// What serves a model: the first that can.
#[derive(Debug, Clone)]
pub struct ModelTargets {
    /// The name that callers write.
    pub model: String,
    /// Provider and model, in the order in which they are tried.
    pub targets: Vec<(String, String)>,
}

impl Routing {
    pub(super) fn read(reader: &mut Reader<'_>, server: &Server) -> Self {
        let upstreams: Vec<OwnUpstream> = tables(reader, "upstreams")
            .into_iter()
            .filter_map(|(name, cells)| OwnUpstream::read(reader, server, name, cells))
            .collect();
        let known = |name: &str| {
            BUILT_IN.contains(&name) || upstreams.iter().any(|upstream| upstream.name == name)
        };
        let models = tables(reader, "models")
            .into_iter()
            .filter_map(|(model, cells)| ModelTargets::read(reader, model, cells, &known))
            .collect();
        Self { upstreams, models }
    }
}

type Cells = BTreeMap<String, Variable>;

fn tables(reader: &mut Reader<'_>, key: &str) -> BTreeMap<String, Cells> {
    let mut tables: BTreeMap<String, Cells> = BTreeMap::new();
    for (name, column, cell) in reader.tables(key) {
        tables.entry(name).or_default().insert(column, cell);
    }
    if tables.len() > TABLES_MAX {
        reader.problem(key, format!("at most {TABLES_MAX} tables are possible"));
    }
    tables
}

/// What is left of a table was not understood.
fn refuse_rest(reader: &mut Reader<'_>, cells: Cells) {
    for cell in cells.into_values() {
        reader.problems.push(format!("{}: unknown key", cell.label));
    }
}

impl OwnUpstream {
    fn read(
        reader: &mut Reader<'_>,
        server: &Server,
        name: String,
        mut cells: Cells,
    ) -> Option<Self> {
        let key = format!("upstreams.{name}");
        if !is_provider_name(&name) || BUILT_IN.contains(&name.as_str()) {
            let expected = "the name must be of small letters, digits, `-` and `_`, and none of openai, \
                            anthropic and google";
            reader.problem(&key, expected);
            return None;
        }
        for column in ["api_key", "query"] {
            reader.collected.keep_back(&format!("{key}.{column}"));
        }
        let mut take = |column: &str| cells.remove(column);
        let (url, keys, header) = (take("base_url"), take("api_key"), take("key_header"));
        let (models, names) = (take("models"), take("names"));
        let (prices, query) = (take("prices"), take("query"));
        refuse_rest(reader, cells);
        let Some(url) = url else {
            reader.problem(&key, "needs a base_url");
            return None;
        };
        let base_url = parsed(reader, &url, |text| BaseUrl::parse(text, "/v1"))?;
        if is_own_address(&base_url, server) {
            reader.problem(&key, "base_url is the address of this gateway itself");
        }
        let maybe = |cell: Option<Variable>| cell.filter(|cell| !cell.text.trim().is_empty());
        Some(Self {
            keys: maybe(keys).map_or_else(Vec::new, |cell| reader.keys_of(&cell)),
            key_header: maybe(header)
                .and_then(|cell| parsed(reader, &cell, key_header))
                .unwrap_or_default(),
            models: maybe(models)
                .and_then(|cell| parsed(reader, &cell, patterns))
                .unwrap_or_default(),
            names: maybe(names)
                .and_then(|cell| parsed(reader, &cell, names_there))
                .unwrap_or_default(),
            prices: maybe(prices).map_or_else(|| name.clone(), |cell| cell.text.trim().to_owned()),
            query: maybe(query).and_then(|cell| parsed(reader, &cell, query_part)),
            name,
            base_url,
        })
    }
}

impl ModelTargets {
    fn read(
        reader: &mut Reader<'_>,
        model: String,
        mut cells: Cells,
        known: &impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let to = cells.remove("to");
        refuse_rest(reader, cells);
        let Some(to) = to else {
            reader.problem(&format!("models.{model}"), "needs `to`");
            return None;
        };
        let targets = parsed(reader, &to, |text| targets(text, known))?;
        Some(Self { model, targets })
    }
}

fn parsed<T>(
    reader: &mut Reader<'_>,
    cell: &Variable,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    match parse(cell.text.trim()) {
        Ok(value) => Some(value),
        Err(problem) => {
            let problem = format!("{}: {problem}", cell.label);
            reader.problems.push(problem);
            None
        }
    }
}

fn key_header(text: &str) -> Result<KeyHeader, String> {
    match text {
        "bearer" => Ok(KeyHeader::Bearer),
        "api-key" => Ok(KeyHeader::ApiKey),
        other => Err(format!("must be bearer or api-key, not {}", quoted(other))),
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

fn patterns(text: &str) -> Result<Patterns, String> {
    Patterns::new(list(text)).map_err(|error| error.to_string())
}

/// `gpt-5=my-deployment, ...`
fn names_there(text: &str) -> Result<BTreeMap<String, String>, String> {
    let pairs = list(text).map(|pair| {
        let (model, there) = pair.split_once('=').ok_or_else(|| {
            format!(
                "must be `model=name` with commas between, not {}",
                quoted(pair)
            )
        })?;
        Ok((model_name(model)?, model_name(there)?))
    });
    pairs.collect()
}

/// `openai/gpt-5-mini, anthropic/claude-haiku-4-5`
fn targets(text: &str, known: impl Fn(&str) -> bool) -> Result<Vec<(String, String)>, String> {
    let targets = list(text).map(|target| {
        let (provider, model) = target
            .split_once('/')
            .ok_or_else(|| format!("must be `provider/model`, not {}", quoted(target)))?;
        if !known(provider) {
            return Err(format!("no provider is called {}", quoted(provider)));
        }
        Ok((provider.to_owned(), model_name(model)?))
    });
    let targets: Vec<_> = targets.collect::<Result<_, _>>()?;
    if targets.is_empty() || targets.len() > TARGETS_MAX {
        return Err(format!("must name 1 to {TARGETS_MAX} targets"));
    }
    Ok(targets)
}

fn model_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_name = !text.is_empty()
        && text.len() <= NAME_BYTES_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
    if is_name {
        Ok(text.to_owned())
    } else {
        Err(format!("{} is no name of a model", quoted(text)))
    }
}

fn is_provider_name(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.bytes().all(allowed)
}

fn query_part(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~=&%".contains(&byte);
    if text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be like `name=value`, percent-encoded".to_owned())
    }
}
