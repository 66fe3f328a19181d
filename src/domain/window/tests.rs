//! Windows by example, and as a partition of time in any zone.

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> UtcMicros {
    UtcMicros::from_timestamp(text.parse().unwrap())
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn window(period: Period, instant: &str, zone_name: &str) -> (String, String) {
    let window = period.window_at(at(instant), &zone(zone_name)).unwrap();
    (window.start.to_string(), window.end.to_string())
}

fn expect(period: Period, instant: &str, zone_name: &str, start: &str, end: &str) {
    let found = window(period, instant, zone_name);
    assert_eq!(
        found,
        (start.to_owned(), end.to_owned()),
        "{period:?} at {instant} in {zone_name}"
    );
}

#[test]
fn calendar_windows_follow_month_ends_and_leap_days() {
    let (leap, after) = ("2028-02-29T12:00:00Z", "2028-03-01T00:00:00.000Z");
    expect(
        Period::Daily,
        leap,
        "UTC",
        "2028-02-29T00:00:00.000Z",
        after,
    );
    expect(
        Period::Monthly,
        leap,
        "UTC",
        "2028-02-01T00:00:00.000Z",
        after,
    );
    expect(
        Period::Monthly,
        "2026-12-31T23:59:59.999999Z",
        "UTC",
        "2026-12-01T00:00:00.000Z",
        "2027-01-01T00:00:00.000Z",
    );
    expect(
        Period::Weekly,
        "2027-01-01T08:00:00Z",
        "UTC",
        "2026-12-28T00:00:00.000Z",
        "2027-01-04T00:00:00.000Z",
    );
}

#[test]
fn days_are_23_and_25_hours_long_when_clocks_change() {
    let berlin = "Europe/Berlin";
    expect(
        Period::Daily,
        "2026-03-29T10:00:00Z",
        berlin,
        "2026-03-28T23:00:00.000Z",
        "2026-03-29T22:00:00.000Z",
    );
    expect(
        Period::Daily,
        "2026-10-25T10:00:00Z",
        berlin,
        "2026-10-24T22:00:00.000Z",
        "2026-10-25T23:00:00.000Z",
    );
}

#[test]
fn a_day_without_midnight_starts_at_its_first_instant() {
    // Clocks in Santiago went from 23:59:59 on 5 September 2026 to 01:00 on the sixth.
    expect(
        Period::Daily,
        "2026-09-06T12:00:00Z",
        "America/Santiago",
        "2026-09-06T04:00:00.000Z",
        "2026-09-07T03:00:00.000Z",
    );
}

#[test]
fn hours_follow_zones_with_odd_offsets() {
    expect(
        Period::Hourly,
        "2026-05-01T10:20:00Z",
        "Asia/Kathmandu",
        "2026-05-01T10:15:00.000Z",
        "2026-05-01T11:15:00.000Z",
    );
    // Lord Howe Island moves by half an hour, at 15:00 UTC on 4 April 2026.
    expect(
        Period::Hourly,
        "2026-04-04T15:10:00Z",
        "Australia/Lord_Howe",
        "2026-04-04T15:00:00.000Z",
        "2026-04-04T15:30:00.000Z",
    );
}

#[test]
fn a_window_holds_its_start_and_not_its_end() {
    let midnight = at("2026-11-23T00:00:00Z");
    let before = UtcMicros::new(midnight.get() - 1);
    let day = Period::Daily.window_at(midnight, &TimeZone::UTC).unwrap();
    assert_eq!(day.start, midnight);
    assert_eq!(
        Period::Daily.window_at(before, &TimeZone::UTC).unwrap().end,
        midnight
    );
    assert!(day.contains(midnight) && !day.contains(day.end) && !day.contains(before));
}

#[test]
fn a_custom_period_has_one_window_and_nothing_outside_it() {
    let (start, end) = (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"));
    let period = Period::from_parts("custom", Some(start), Some(end)).unwrap();
    assert_eq!(
        period.window_at(start, &TimeZone::UTC),
        Some(Window { start, end })
    );
    assert_eq!(period.window_at(end, &TimeZone::UTC), None);
    assert_eq!(
        Period::from_parts("custom", None, Some(end)),
        Err(PeriodError::MissingDates)
    );
    assert_eq!(
        Period::from_parts("custom", Some(end), Some(start)),
        Err(PeriodError::EndsBeforeStart)
    );
    assert_eq!(
        Period::from_parts("yearly", None, None),
        Err(PeriodError::UnknownName("yearly".to_owned()))
    );
}

#[test]
fn every_period_name_is_read_back() {
    for name in PERIOD_NAMES {
        let dates = (Some(UtcMicros::new(0)), Some(UtcMicros::new(1)));
        assert_eq!(
            Period::from_parts(name, dates.0, dates.1).unwrap().name(),
            name
        );
    }
}

fn calendar_period() -> impl Strategy<Value = Period> {
    prop_oneof![
        Just(Period::Hourly),
        Just(Period::Daily),
        Just(Period::Weekly),
        Just(Period::Monthly)
    ]
}

fn any_zone() -> impl Strategy<Value = TimeZone> {
    prop_oneof![
        Just(TimeZone::UTC),
        Just(zone("Europe/Berlin")),
        Just(zone("America/New_York")),
        Just(zone("America/Santiago")),
        Just(zone("America/Havana")),
        Just(zone("Australia/Lord_Howe")),
        Just(zone("Asia/Kathmandu")),
        Just(zone("Asia/Kolkata")),
        Just(zone("Pacific/Apia")),
        Just(zone("Atlantic/Azores")),
    ]
}

proptest! {
    #[test]
    fn windows_partition_time(
        micros in 1_262_304_000_000_000_i64..2_208_988_800_000_000,
        period in calendar_period(),
        zone in any_zone(),
    ) {
        let instant = UtcMicros::new(micros);
        let window = period.window_at(instant, &zone).unwrap();
        prop_assert!(window.contains(instant));
        let last = UtcMicros::new(window.end.get() - 1);
        prop_assert_eq!(period.window_at(window.start, &zone), Some(window));
        prop_assert_eq!(period.window_at(last, &zone), Some(window));
        let next = period.window_at(window.end, &zone).unwrap();
        prop_assert_eq!(next.start, window.end, "the next window starts where this one ends");
        let before = period.window_at(UtcMicros::new(window.start.get() - 1), &zone).unwrap();
        prop_assert_eq!(before.end, window.start, "the window before ends where this one starts");
    }

    #[test]
    fn no_instant_panics(micros in any::<i64>(), period in calendar_period(), zone in any_zone()) {
        let _ = period.window_at(UtcMicros::new(micros), &zone);
    }
}
