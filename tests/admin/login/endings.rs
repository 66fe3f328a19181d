//! How sessions end: by time, by what takes access away, and by others.

use std::time::Duration;

use budgetguard::settings::secret::Secret;
use futures::future::join_all;
use serde_json::json;

use crate::browser::{Browser, PASSWORD, log_in, user};
use crate::databases::Place;
use crate::installation::{Installation, NOW, options};
use crate::login::{ME, WRONG};
use crate::support::assert_refused;

const OTHER_PASSWORD: &str = "another horse battery";

on_both_databases![
    a_session_ends_after_an_hour_unused,
    a_session_ends_after_half_a_day_of_use,
    what_takes_access_away_ends_sessions_at_once,
    another_admin_key_ends_the_sessions_of_the_one_before,
    a_password_of_ones_own_needs_the_current_one,
    another_password_of_ones_own_ends_all_other_sessions,
    many_log_in_at_once_and_the_oldest_session_goes,
];

/// One session of the admin key and one of a user.
async fn one_of_each(installation: &Installation) -> [Browser; 2] {
    user(installation, "Ann", "viewer").await;
    [
        Browser::with_key(installation).await,
        Browser::with_name(installation, "Ann").await,
    ]
}

async fn a_session_ends_after_an_hour_unused(place: Place) {
    let installation = place.installation(options()).await;
    let pages = one_of_each(&installation).await;
    installation.clock.set(NOW.plus(Duration::from_hours(1)));
    for unused in &pages {
        assert_eq!(unused.status(&installation).await, 401);
    }
}

async fn a_session_ends_after_half_a_day_of_use(place: Place) {
    let installation = place.installation(options()).await;
    let pages = one_of_each(&installation).await;
    let mut at = NOW;
    for _ in 0..12 {
        at = at.plus(Duration::from_mins(59));
        installation.clock.set(at);
        for used in &pages {
            assert_eq!(used.status(&installation).await, 200);
        }
    }
    installation.clock.set(NOW.plus(Duration::from_hours(12)));
    for used in &pages {
        assert_eq!(used.status(&installation).await, 401, "half a day is over");
    }
}

async fn what_takes_access_away_ends_sessions_at_once(place: Place) {
    let installation = place.installation(options()).await;
    let id = user(&installation, "Ann", "admin").await;
    let path = format!("/admin/users/{id}");
    for (password, change) in [
        (PASSWORD, json!({"role": "viewer"})),
        (PASSWORD, json!({"password": OTHER_PASSWORD})),
        (OTHER_PASSWORD, json!({"password": PASSWORD})),
        (PASSWORD, json!({"isActive": false})),
    ] {
        let body = json!({"name": "Ann", "password": password});
        let page = Browser::of(&log_in(&installation, &body).await);
        installation.put(&path, json!({"name": "Ann"})).await;
        let unchanged = page.status(&installation).await;
        assert_eq!(unchanged, 200, "nothing was taken away");
        installation.put(&path, change.clone()).await;
        assert_eq!(page.status(&installation).await, 401, "{change}");
    }
}

async fn another_admin_key_ends_the_sessions_of_the_one_before(place: Place) {
    let installation = place.installation(options()).await;
    let page = Browser::with_key(&installation).await;
    let other_key = installation.with_part(|state| {
        state.options.admin_key = Some(Secret::new("another admin key"));
    });
    assert_eq!(page.status(&other_key).await, 401, "the key is another");
    assert_eq!(page.status(&installation).await, 200);
}

async fn a_password_of_ones_own_needs_the_current_one(place: Place) {
    let installation = place.installation(options()).await;
    let [_, page] = one_of_each(&installation).await;
    for (current, wanted, status, reason) in [
        (WRONG, OTHER_PASSWORD, 401, "Wrong name or password"),
        (PASSWORD, "short", 400, "at least 12 characters"),
    ] {
        let body = json!({"currentPassword": current, "newPassword": wanted});
        let answer = page.call(&installation, "PUT", ME, body).await;
        assert_refused(&answer, status, reason, wanted);
    }
    let by_key = installation.call("PUT", ME, "{}").await;
    assert_refused(&by_key, 400, "no user", "the admin key");
}

async fn another_password_of_ones_own_ends_all_other_sessions(place: Place) {
    let installation = place.installation(options()).await;
    let [_, page] = one_of_each(&installation).await;
    let other = Browser::with_name(&installation, "Ann").await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD});
    let renewed = Browser::of(&page.call(&installation, "PUT", ME, body).await);
    for (page, status) in [(&page, 401), (&other, 401), (&renewed, 200)] {
        assert_eq!(page.status(&installation).await, status);
    }
    for (password, status) in [(PASSWORD, 401), (OTHER_PASSWORD, 200)] {
        let body = json!({"name": "Ann", "password": password});
        let answer = log_in(&installation, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{password}");
    }
}

async fn many_log_in_at_once_and_the_oldest_session_goes(place: Place) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "viewer").await;
    let mut pages = Vec::new();
    for second in 0..3 {
        let at = NOW.plus(Duration::from_secs(second));
        installation.clock.set(at);
        let begun = (0..8).map(|_| Browser::with_name(&installation, "Ann"));
        pages.push(join_all(begun).await);
    }
    let all = pages.concat();
    for (number, page) in all.iter().enumerate() {
        assert!(!all[..number].contains(page), "two are the same");
    }
    let alive = join_all(all.iter().map(|page| page.status(&installation))).await;
    assert_eq!(alive.iter().filter(|status| **status == 200).count(), 20);
    assert!(alive[8..].iter().all(|status| *status == 200), "{alive:?}");
}
