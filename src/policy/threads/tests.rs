//! Tests of the threads, with work that ends when it is told to.

use std::sync::mpsc;

use super::*;

const LIMIT: Duration = Duration::from_millis(20);
const PATIENT: Duration = Duration::from_secs(30);
const DENIED: Verdict = Verdict::Deny { reason: None };

fn quick() -> Run {
    Box::new(|_time| Ok(DENIED))
}

/// Work that goes on until the sender is dropped.
fn endless() -> (mpsc::Sender<()>, Run) {
    let (end, ended) = mpsc::channel::<()>();
    let run = move |_time| {
        let _ = ended.recv();
        Ok(DENIED)
    };
    (end, Box::new(run))
}

#[tokio::test]
async fn work_is_done_on_another_thread() {
    let threads = PolicyThreads::new();
    let here = thread::current().id();
    let run = move |_time| {
        assert_ne!(thread::current().id(), here);
        Ok(DENIED)
    };
    let verdict = threads.run(Box::new(run), PATIENT).await;
    assert_eq!(verdict.unwrap(), DENIED);
}

#[tokio::test]
async fn work_that_does_not_end_is_given_up_and_others_are_served() {
    let threads = PolicyThreads::new();
    let mut ends = Vec::new();
    for _ in 0..=WORKING_MAX {
        let (end, run) = endless();
        ends.push(end);
        let given_up = threads.run(run, LIMIT).await;
        assert!(
            matches!(given_up, Err(PolicyError::TimedOut)),
            "{given_up:?}"
        );
    }
    let verdict = threads.run(quick(), PATIENT).await;
    assert_eq!(verdict.unwrap(), DENIED);
}

#[tokio::test]
async fn when_too_many_hang_decisions_fail_at_once_until_one_comes_back() {
    let threads = PolicyThreads::new();
    let mut ends = Vec::new();
    // One that was given up before it began does not hang.
    while threads.0.state.lock().hung < HUNG_MAX {
        let (end, run) = endless();
        ends.push(end);
        let given_up = threads.run(run, LIMIT).await;
        assert!(
            matches!(given_up, Err(PolicyError::TimedOut)),
            "{given_up:?}"
        );
    }
    let busy = threads.run(quick(), PATIENT).await;
    assert!(matches!(busy, Err(PolicyError::Busy)), "{busy:?}");
    ends.clear();
    let mut last = busy;
    for _ in 0..1_000 {
        last = threads.run(quick(), PATIENT).await;
        if last.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(last.unwrap(), DENIED);
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let threads = Arc::new(PolicyThreads::new());
    let mut ends = Vec::new();
    let mut answers = Vec::new();
    for _ in 0..WORKING_MAX {
        let (end, run) = endless();
        ends.push(end);
        answers.push(threads.submit(run, PATIENT).unwrap().1);
    }
    while threads.0.state.lock().working.len() < WORKING_MAX {
        tokio::task::yield_now().await;
    }
    for _ in 0..QUEUE_MAX {
        answers.push(threads.submit(quick(), PATIENT).unwrap().1);
    }
    let more = threads.submit(quick(), PATIENT);
    assert!(matches!(more, Err(PolicyError::Busy)));
    drop(ends);
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap(), DENIED);
    }
}

#[tokio::test]
async fn a_panic_is_no_decision_and_the_thread_goes_on() {
    let threads = PolicyThreads::new();
    for _ in 0..3 * WORKING_MAX {
        let run = |_time| panic!("on purpose");
        let failed = threads.run(Box::new(run), PATIENT).await;
        assert!(
            matches!(failed, Err(PolicyError::Evaluate(_))),
            "{failed:?}"
        );
    }
    let verdict = threads.run(quick(), PATIENT).await;
    assert_eq!(verdict.unwrap(), DENIED);
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_begun() {
    let threads = PolicyThreads::new();
    let (end, run) = endless();
    let (_, first) = threads.submit(run, PATIENT).unwrap();
    let (second_end, run) = endless();
    let (_, second) = threads.submit(run, PATIENT).unwrap();
    let (told, tells) = mpsc::channel();
    let given_up = threads
        .submit(
            Box::new(move |_time| {
                told.send(()).unwrap();
                Ok(DENIED)
            }),
            PATIENT,
        )
        .unwrap();
    drop(given_up);
    drop((end, second_end));
    assert_eq!(first.await.unwrap().unwrap(), DENIED);
    assert_eq!(second.await.unwrap().unwrap(), DENIED);
    let after = threads.run(quick(), PATIENT).await;
    assert_eq!(after.unwrap(), DENIED);
    assert!(tells.recv().is_err(), "it was dropped, not run");
}
