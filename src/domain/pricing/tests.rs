//! Prices by example, and the worst case as a property.

use proptest::prelude::*;

use super::*;

fn rates(list: &[(RateKind, &str)]) -> Rates {
    let mut rates = Rates::default();
    for (kind, usd) in list {
        rates.set(*kind, Rate::parse_per_million(usd).unwrap());
    }
    rates
}

fn model() -> ModelPrice {
    let band = |tier, above_input_tokens, list: &[(RateKind, &str)]| Band {
        tier,
        above_input_tokens,
        rates: rates(list),
    };
    ModelPrice {
        id: PriceId(7),
        provider: ProviderName::new("google"),
        model: ModelName::new("test"),
        mode: "chat".to_owned(),
        input_tokens_max: Some(1_000_000),
        output_tokens_max: Some(65_536),
        bands: vec![
            band(
                Tier::Standard,
                0,
                &[
                    (RateKind::Input, "1.25"),
                    (RateKind::CachedInput, "0.01875"),
                    (RateKind::CacheWrite, "1.5"),
                    (RateKind::Output, "10"),
                ],
            ),
            band(
                Tier::Standard,
                200_000,
                &[(RateKind::Input, "2.5"), (RateKind::Output, "15")],
            ),
            band(
                Tier::Priority,
                0,
                &[(RateKind::Input, "2"), (RateKind::Output, "20")],
            ),
        ],
    }
}

fn usage(input: u64, cached_input: u64, output: u64) -> TokenUsage {
    TokenUsage {
        input,
        cached_input,
        output,
        ..TokenUsage::default()
    }
}

fn nanos(tier: Tier, usage: &TokenUsage) -> i64 {
    model().cost(tier, usage).usd.nanos()
}

#[test]
fn a_charge_is_rounded_up_once_for_the_whole_request() {
    // 1 cached token is 18.75 nano-dollars; three of them 56.25, not three times nineteen.
    assert_eq!(nanos(Tier::Standard, &usage(0, 1, 0)), 19);
    assert_eq!(nanos(Tier::Standard, &usage(0, 3, 0)), 57);
    assert_eq!(nanos(Tier::Standard, &usage(1_000, 0, 1_000)), 11_250_000);
}

#[test]
fn a_long_context_switches_the_rates_of_the_whole_request() {
    assert_eq!(nanos(Tier::Standard, &usage(200_000, 0, 0)), 250_000_000);
    assert_eq!(nanos(Tier::Standard, &usage(200_001, 0, 0)), 500_002_500);
    assert_eq!(
        nanos(Tier::Standard, &usage(150_000, 50_001, 0)),
        500_002_500
    );
}

#[test]
fn hidden_reasoning_costs_what_output_costs_unless_listed() {
    let thought = TokenUsage {
        reasoning_output: 100,
        ..TokenUsage::default()
    };
    let cost = model().cost(Tier::Standard, &thought);
    assert_eq!(
        (cost.usd.nanos(), cost.exactness),
        (1_000_000, Exactness::Exact)
    );
}

#[test]
fn words_of_a_model_that_makes_images_cost_at_least_as_much_as_its_images() {
    let mut images = model();
    images.bands.truncate(1);
    let list = [(RateKind::Input, "5"), (RateKind::ImageOutput, "30")];
    images.bands[0].rates = rates(&list);
    let cost = images.cost(Tier::Standard, &usage(0, 0, 100));
    assert_eq!(
        (cost.usd.nanos(), cost.exactness),
        (3_000_000, Exactness::Neighbour)
    );
    assert!(!images.prices_kind(Tier::Standard, RateKind::Output));
}

#[test]
fn units_and_tiers_without_a_price_are_never_free_and_never_called_exact() {
    let audio = TokenUsage {
        audio_input: 100,
        ..TokenUsage::default()
    };
    let cost = model().cost(Tier::Standard, &audio);
    assert_eq!(
        (cost.usd.nanos(), cost.exactness),
        (125_000, Exactness::Neighbour)
    );
    let flex = model().cost(Tier::Flex, &usage(100, 0, 0));
    assert_eq!(
        (flex.usd.nanos(), flex.exactness),
        (200_000, Exactness::Neighbour)
    );
}

#[test]
fn the_fee_of_a_call_holds_for_every_tier_and_length() {
    let mut model = model();
    let fee = Rate::parse_per_call("0.01").unwrap();
    let base = |band: &&mut Band| band.tier == Tier::Standard && band.above_input_tokens == 0;
    let standard = model.bands.iter_mut().find(base).unwrap();
    standard.rates.set(RateKind::WebSearchCall, fee);
    let search = TokenUsage {
        web_search_calls: 3,
        ..TokenUsage::default()
    };
    let bound = UsageBound {
        web_search_calls: 3,
        ..UsageBound::default()
    };
    for tier in Tier::ALL.into_iter().filter(|tier| model.has_tier(*tier)) {
        let cost = model.cost(tier, &search);
        assert_eq!(
            (cost.usd.to_string().as_str(), cost.exactness),
            ("0.03", Exactness::Exact)
        );
        assert_eq!(model.worst_case(tier, &bound), cost.usd);
        assert!(model.prices_kind(tier, RateKind::WebSearchCall));
    }
}

#[test]
fn what_is_kept_is_counted_by_the_second_and_priced_by_the_hour() {
    let mut model = model();
    let base = |band: &&mut Band| band.tier == Tier::Standard && band.above_input_tokens == 0;
    let standard = model.bands.iter_mut().find(base).unwrap();
    let rate = Rate::parse_per_million("4.5").unwrap();
    standard.rates.set(RateKind::CacheStorage, rate);
    let kept = |cache_storage_token_seconds| TokenUsage {
        cache_storage_token_seconds,
        ..TokenUsage::default()
    };
    let cost = |usage: &TokenUsage| model.cost(Tier::Standard, usage).usd.to_string();
    // A million tokens for two hours; one token for a second, rounded up.
    assert_eq!(cost(&kept(7_200_000_000)), "9");
    assert_eq!(cost(&kept(1)), "0.000000002");
    assert_eq!(kept(7_200).output_total(), 0);
    let bound = UsageBound {
        cache_storage_token_seconds: 7_200_000_000,
        ..UsageBound::default()
    };
    let most = model.worst_case(Tier::Priority, &bound);
    assert_eq!(most.to_string(), "9");
}

proptest! {
    #[test]
    fn the_worst_case_bounds_every_usage_within_it(
        parts in proptest::array::uniform3(0_u64..400_000),
        output in 0_u64..100_000,
        slack in 0_u64..1_000,
        kept in 0_u64..1_000_000_000,
    ) {
        let mut model = model();
        let rate = Rate::parse_per_million("4.5").unwrap();
        model.bands[0].rates.set(RateKind::CacheStorage, rate);
        let used = TokenUsage {
            input: parts[0], cached_input: parts[1], cache_write: parts[2], output,
            cache_storage_token_seconds: kept,
            ..TokenUsage::default()
        };
        let bound = UsageBound {
            input_tokens: used.input_total() + slack,
            output_tokens: output + slack,
            web_search_calls: 0,
            cache_storage_token_seconds: kept + slack,
        };
        prop_assert!(model.cost(Tier::Standard, &used).usd <= model.worst_case(Tier::Standard, &bound));
    }

    #[test]
    fn the_affordable_output_fits_and_one_token_more_does_not(
        input_tokens in 0_u64..300_000,
        headroom in 0_i64..10_000_000_000,
    ) {
        let model = model();
        let headroom = Usd::from_nanos(headroom);
        let bound = UsageBound { input_tokens, ..UsageBound::default() };
        let with = |output_tokens| model.worst_case(Tier::Standard, &UsageBound { output_tokens, ..bound });
        prop_assume!(with(0) <= headroom);
        let tokens = model.affordable_output_tokens(Tier::Standard, &bound, headroom);
        prop_assert!(with(tokens) <= headroom);
        prop_assert!(with(tokens + 1) > headroom);
    }
}
