//! Exports as providers write them.

use std::fs;

use proptest::prelude::*;

use super::*;

fn read(text: &str, columns: &[(String, String)]) -> Export {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export");
    fs::write(&file, text).unwrap();
    let mut export = Export::default();
    export.read(&file, columns).unwrap();
    let place = format!("{}:", file.display());
    let problems = export.problems.iter();
    export.problems = problems
        .map(|problem| problem.replace(&place, ""))
        .collect();
    export
}

fn figures(text: &str, day: &str, model: Option<&str>) -> Figures {
    let export = read(text, &[]);
    assert_eq!(export.problems, Vec::<String>::new());
    let place = (day.parse().unwrap(), model.map(str::to_owned));
    let found = export.figures.get(&place).copied();
    found.unwrap_or_else(|| panic!("{place:?} is not in {:?}", export.figures))
}

fn usd(text: &str) -> ExactUsd {
    ExactUsd::parse(text).unwrap()
}

#[test]
fn openai_counts_cached_tokens_among_the_input() {
    let page = r#"{"object":"page","data":[{"object":"bucket","start_time":1793491200,"end_time":1793577600,
        "results":[{"object":"organization.usage.completions.result","input_tokens":1000,"output_tokens":500,
        "input_cached_tokens":800,"input_audio_tokens":7,"output_audio_tokens":3,"num_model_requests":5,
        "model":"gpt-4o-mini-2024-07-18","batch":null,"project_id":null}]}],"has_more":false}"#;
    let expected = Figures {
        requests: Some(5),
        input_tokens: Some(1_007),
        cached_input_tokens: Some(800),
        output_tokens: Some(503),
        cost_usd: None,
    };
    let model = Some("gpt-4o-mini-2024-07-18");
    assert_eq!(figures(page, "2026-11-01", model), expected);
}

#[test]
fn openai_bills_items_in_dollars() {
    let page = r#"{"data":[{"start_time":1793491200,"end_time":1793577600,"results":[
        {"amount":{"value":0.060000000000000005,"currency":"usd"},"line_item":"gpt-5-mini, input"},
        {"amount":{"value":1e-7,"currency":"usd"},"line_item":"gpt-5-mini, output"},
        {"amount":{"value":2,"currency":"usd"},"line_item":null}]}]}"#;
    let of_model = figures(page, "2026-11-01", Some("gpt-5-mini")).cost_usd;
    assert_eq!(of_model, Some(usd("0.060000100000000005")));
    assert_eq!(figures(page, "2026-11-01", None).cost_usd, Some(usd("2")));
}

#[test]
fn anthropic_counts_cached_tokens_beside_the_input_and_bills_in_cents() {
    let usage = r#"{"data":[{"starting_at":"2026-11-01T00:00:00Z","ending_at":"2026-11-02T00:00:00Z","results":[
        {"uncached_input_tokens":1500,"cache_creation":{"ephemeral_1h_input_tokens":1000,
        "ephemeral_5m_input_tokens":500},"cache_read_input_tokens":200,"output_tokens":70,
        "server_tool_use":{"web_search_requests":10},"model":"claude-haiku-4-5","service_tier":"standard"}]}],
        "has_more":false,"next_page":null}"#;
    let expected = Figures {
        requests: None,
        input_tokens: Some(3_200),
        cached_input_tokens: Some(200),
        output_tokens: Some(70),
        cost_usd: None,
    };
    let model = Some("claude-haiku-4-5");
    assert_eq!(figures(usage, "2026-11-01", model), expected);
    let costs = r#"[{"data":[{"starting_at":"2026-11-01T00:00:00Z","ending_at":"2026-11-02T00:00:00Z","results":[
        {"currency":"USD","amount":"123.78912","model":"claude-haiku-4-5","token_type":"output_tokens"}]}]}]"#;
    let cost = figures(costs, "2026-11-01", model).cost_usd;
    assert_eq!(cost, Some(usd("1.2378912")));
}

#[test]
fn tables_of_the_consoles_are_known_by_their_headers() {
    let openai = "\u{feff}start_time,start_time_iso,num_model_requests,model,input_tokens,output_tokens,input_cached_tokens\n\
         1793491200,2026-11-01T00:00:00+00:00,2,gpt-5-mini,10,4,6\n\
         1793491200,2026-11-01T00:00:00+00:00,1,gpt-5-mini,5,,\n";
    let found = figures(openai, "2026-11-01", Some("gpt-5-mini"));
    let tokens = (
        found.input_tokens,
        found.cached_input_tokens,
        found.output_tokens,
    );
    assert_eq!(tokens, (Some(15), Some(6), Some(4)));
    let anthropic = "usage_date_utc,model_version,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,\
         usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens\n\
         2026-11-01,claude-haiku-4-5,1,2,3,4,5\n";
    let found = figures(anthropic, "2026-11-01", Some("claude-haiku-4-5"));
    let tokens = (
        found.input_tokens,
        found.cached_input_tokens,
        found.output_tokens,
    );
    assert_eq!(tokens, (Some(10), Some(4), Some(5)));
    let costs = "start_time,amount_value,amount_currency,line_item\n\
         1793491200,0.25,usd,\"gpt-5-mini, input\"\n";
    let cost = figures(costs, "2026-11-01", Some("gpt-5-mini")).cost_usd;
    assert_eq!(cost, Some(usd("0.25")));
}

#[test]
fn columns_of_other_tables_are_named() {
    let table = "Tag,Modell,Kosten\n2026-11-01,gemini-2.5-flash,0.000000001\n";
    let named = [("day", "Tag"), ("model", "Modell"), ("cost_usd", "Kosten")];
    let columns = named.map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()));
    let export = read(table, &columns);
    let cost = export.figures.values().next().unwrap().cost_usd;
    assert_eq!(cost, Some(usd("0.000000001")));
    let problems = read(table, &[]).problems;
    assert!(
        problems[0].starts_with("1: no column says the day"),
        "{problems:?}"
    );
}

#[test]
fn every_bad_row_is_told_with_its_line_and_none_is_counted() {
    let table = "day,model,input_tokens,cost_usd\n\
         2026-11-01,a,1,0.5\n\
         yesterday,a,-1,0.5\n\
         2026-11-01,a,1\n\
         2026-11-01,a,1,\"1,000.00\"\n";
    let export = read(table, &[]);
    let expected = [
        "3: day: `yesterday` is no day and no instant",
        "3: input_tokens: `-1` is no whole number",
        "4: 3 columns, the header has 4",
        "5: cost_usd: `1,000.00` is no decimal amount",
    ];
    assert_eq!(export.problems, expected);
    let inputs = export.figures.values().map(|figures| figures.input_tokens);
    assert_eq!(inputs.collect::<Vec<_>>(), [Some(1)]);
}

#[test]
fn every_bad_part_of_a_page_is_told_with_its_line() {
    let page = r#"{"data":[
        {"start_time":1793491200,"end_time":1793577600,"results":[
            {"input_tokens":-5,"model":"a"},
            {"model":"a"},
            {"amount":{"value":1,"currency":"eur"},"line_item":"a"}]},
        {"start_time":1793491200,"end_time":1794096000,"results":[]},
        {"results":[]}
    ],"has_more":true}"#;
    let lines = [
        "3: invalid value",
        "4: neither",
        "5: the amount is not in USD",
        "6: the bucket is not",
        "7: missing field",
        "1: the last page",
    ];
    let problems = read(page, &[]).problems;
    assert_eq!(problems.len(), lines.len(), "{problems:#?}");
    for (problem, line) in problems.iter().zip(lines) {
        assert!(problem.starts_with(line), "`{problem}` is not `{line}`");
    }
    let broken = read("{\"data\":[\n", &[]).problems;
    assert!(broken[0].contains("EOF"), "{broken:?}");
}

proptest! {
    #[test]
    fn no_export_makes_the_reader_fail(text in "[\\[{]?\\PC{0,40}(\n\\PC{0,40}){0,3}") {
        let export = read(&text, &[]);
        prop_assert!(export.figures.is_empty() || export.problems.is_empty());
    }

    #[test]
    fn the_rows_of_a_table_add_up(rows in prop::collection::vec((0_u64..1_000, 0_u32..1_000_000), 1..20)) {
        let lines = rows.iter().map(|(tokens, millionths)| {
            format!("2026-11-01,small,{tokens},{millionths}e-6\n")
        });
        let table = format!("day,model,input_tokens,cost_usd\n{}", lines.collect::<String>());
        let found = figures(&table, "2026-11-01", Some("small"));
        prop_assert_eq!(found.input_tokens, Some(rows.iter().map(|(tokens, _)| tokens).sum()));
        let total: u64 = rows.iter().map(|(_, millionths)| u64::from(*millionths)).sum();
        prop_assert_eq!(found.cost_usd, Some(usd(&format!("{total}e-6"))));
    }
}
