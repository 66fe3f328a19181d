//! The readers of realtime events: whatever a caller or a provider says, what is passed on instead is an
//! event that says the same.
#![no_main]

use budgetguard::providers::openai::realtime::{
    CallerEvent, ProviderEvent, read_caller_event, read_provider_event,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(([kind], text)) = data.split_first_chunk::<1>() else {
        return;
    };
    if kind & 1 == 0 {
        hear_caller(text);
    } else {
        hear_provider(text, kind & 2 != 0);
    }
});

fn hear_caller(text: &[u8]) {
    let Ok(CallerEvent::Session(update)) = read_caller_event(text) else {
        return;
    };
    let Ok(CallerEvent::Session(again)) = read_caller_event(update.message.as_bytes()) else {
        panic!("what is passed on is no update of the session: {}", update.message);
    };
    assert_eq!(again.event_id, update.event_id);
    assert_eq!(again.transcribes, update.transcribes);
    // Nobody but us starts responses.
    assert_ne!(again.wants_responses, Some(true), "{}", update.message);
}

fn hear_provider(text: &[u8], starts_responses: bool) {
    let Some(ProviderEvent::Session(state)) = read_provider_event(text) else {
        return;
    };
    let taken_over = state.take_over();
    assert!(
        matches!(read_caller_event(taken_over.as_bytes()), Ok(CallerEvent::Session(_))),
        "what the provider is asked is no update of the session: {taken_over}"
    );
    let shown = state.shown(starts_responses);
    let Some(ProviderEvent::Session(again)) = read_provider_event(shown.as_bytes()) else {
        panic!("what the caller sees is no session: {shown}");
    };
    assert_eq!(again.cap, state.cap);
    assert_eq!(again.is_conversation, state.is_conversation);
    assert_eq!(again.transcribes, state.transcribes);
}
