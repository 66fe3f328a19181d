//! OpenAI's images: the same small picture, as often as asked. GPT image models are billed by
//! tokens, older ones by the picture.

use serde::Deserialize;
use serde_json::{Value, json};

use super::billed::BilledTokens;
use super::directives::Flag;
use super::exchange::{Answer, Exchange, Frame, set};
use super::openai::{missing, parse};
use super::prompt::{Prompt, TOKENS_PER_MEDIUM};
use super::refusal::Refusal;

/// One transparent pixel.
pub(super) const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const IMAGES_MAX: u64 = 10;
const PARTIAL_IMAGES_MAX: u64 = 3;
/// The documented price of a picture that is shown before it is ready.
const PARTIAL_IMAGE_TOKENS: u64 = 100;

#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    prompt: Option<Prompt>,
    n: Option<u64>,
    size: Option<String>,
    quality: Option<String>,
    stream: Option<bool>,
    partial_images: Option<u64>,
    response_format: Option<String>,
}

pub(super) fn generation(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    answer(exchange, "image_generation", 0)
}

pub(super) fn edit(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    answer(exchange, "image_edit", pictures(exchange)?)
}

pub(super) fn variation(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    answer(exchange, "image_variation", pictures(exchange)?)
}

/// Pictures that came with the request: as files of the form, or named in JSON.
fn pictures(exchange: &Exchange<'_>) -> Result<u64, Refusal> {
    #[derive(Deserialize)]
    struct Named {
        images: Option<Vec<Value>>,
    }
    let sent = exchange.files.iter();
    let files = sent.filter(|file| matches!(file.field.as_str(), "image" | "mask"));
    let named: Named = parse(exchange.body)?;
    let count = files.count() + named.images.map_or(0, |images| images.len());
    if count == 0 {
        return Err(missing("image"));
    }
    Ok(count as u64)
}

fn answer(exchange: &Exchange<'_>, event: &str, pictures: u64) -> Result<Answer, Refusal> {
    let request: Request = parse(exchange.body)?;
    if event != "image_variation" && request.prompt.is_none() {
        return Err(missing("prompt"));
    }
    let model = request.model.as_deref().unwrap_or("dall-e-2");
    let count = request.n.unwrap_or(1);
    let partial = request.partial_images.unwrap_or(0);
    if count == 0 || count > IMAGES_MAX || partial > PARTIAL_IMAGES_MAX {
        return Err(Refusal::bad_request(
            "Invalid value for 'n' or 'partial_images'.",
        ));
    }
    if model.starts_with("dall-e") {
        let billed = BilledTokens {
            images: count,
            ..BilledTokens::default()
        };
        let body = json!({"created": exchange.created, "data": data(&request, count)});
        return Ok(Answer::json(model, billed, body.to_string()).at_tier("default"));
    }
    let streamed = request.stream == Some(true);
    let shown = if streamed { partial } else { 0 };
    let billed = billed(exchange, &request, pictures, shown);
    let usage = (!exchange.directives.has(Flag::NoUsage)).then(|| usage(billed));
    let made = Made {
        event,
        created: exchange.created,
        size: request.size.as_deref().unwrap_or("1024x1024"),
        quality: request.quality.as_deref().unwrap_or("medium"),
        usage,
    };
    let answer = if streamed {
        Answer::events(model, billed, made.stream(shown, count, billed.output))
    } else {
        let mut body = made.fields();
        set(&mut body, "data", data(&request, count));
        Answer::json(model, billed, body.to_string())
    };
    Ok(answer.at_tier("default"))
}

fn data(request: &Request, count: u64) -> Value {
    let picture = if request.response_format.as_deref() == Some("url") {
        json!({"url": "https://images.example/simulated.png"})
    } else {
        json!({"b64_json": PNG})
    };
    (0..count).map(|_| picture.clone()).collect()
}

fn billed(exchange: &Exchange<'_>, request: &Request, pictures: u64, shown: u64) -> BilledTokens {
    let seen = pictures * TOKENS_PER_MEDIUM;
    let counted = exchange.input_tokens(&[request.prompt.as_ref()]) + seen;
    let mut billed = exchange.input(counted);
    if exchange.directives.units.image_input == 0 {
        billed.image_input = seen.min(billed.input);
    }
    let made = picture_tokens(request) * request.n.unwrap_or(1) + shown * PARTIAL_IMAGE_TOKENS;
    let output = exchange.directives.output.unwrap_or(made);
    // Neither caches nor reasoning are told on the wire.
    BilledTokens {
        cached_input: 0,
        cache_write: 0,
        cache_write_1h: 0,
        output,
        image_output: output,
        ..billed
    }
}

/// The documented size of a picture in tokens.
fn picture_tokens(request: &Request) -> u64 {
    let sizes = match request.quality.as_deref() {
        Some("low") => [272, 408, 400],
        Some("high") => [4160, 6240, 6208],
        Some(_) | None => [1056, 1584, 1568],
    };
    let [square, portrait, landscape] = sizes;
    match request.size.as_deref() {
        Some("1024x1536") => portrait,
        Some("1536x1024") => landscape,
        Some(_) | None => square,
    }
}

fn usage(billed: BilledTokens) -> Value {
    json!({
        "input_tokens": billed.input, "output_tokens": billed.output,
        "total_tokens": billed.total(),
        "input_tokens_details": {
            "text_tokens": billed.text_input(), "image_tokens": billed.image_input,
        },
    })
}

/// What is said about pictures beside them.
struct Made<'a> {
    event: &'a str,
    created: u64,
    size: &'a str,
    quality: &'a str,
    usage: Option<Value>,
}

impl Made<'_> {
    fn fields(&self) -> Value {
        let mut fields = self.described();
        set(&mut fields, "created", json!(self.created));
        if let Some(usage) = &self.usage {
            set(&mut fields, "usage", usage.clone());
        }
        fields
    }

    fn described(&self) -> Value {
        json!({
            "background": "opaque", "output_format": "png", "size": self.size,
            "quality": self.quality,
        })
    }

    fn stream(&self, partial: u64, count: u64, output: u64) -> Vec<Frame> {
        let mut frames = Vec::new();
        for index in 0..partial {
            let mut shown = self.described();
            set(&mut shown, "partial_image_index", json!(index));
            let produced = (index + 1) * PARTIAL_IMAGE_TOKENS;
            frames.push(self.frame("partial_image", shown, produced.min(output)));
        }
        // Usage of the whole call comes with the last picture.
        for index in 1..=count {
            let mut shown = self.described();
            if let Some(usage) = self.usage.as_ref().filter(|_| index == count) {
                set(&mut shown, "usage", usage.clone());
            }
            frames.push(self.frame("completed", shown, output * index / count));
        }
        frames
    }

    fn frame(&self, name: &str, mut event: Value, output: u64) -> Frame {
        let kind = format!("{}.{name}", self.event);
        set(&mut event, "type", json!(kind));
        set(&mut event, "b64_json", json!(PNG));
        set(&mut event, "created_at", json!(self.created));
        Frame {
            bytes: format!("event: {kind}\ndata: {event}\n\n").into(),
            output,
        }
    }
}
