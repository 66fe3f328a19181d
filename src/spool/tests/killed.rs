//! What was acknowledged outlives a kill.

use super::*;

const KILLED_FOLDER: &str = "SPOOL_TEST_KILLED_FOLDER";

/// Does nothing unless `everything_acknowledged_survives_a_kill` starts it in a child process.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the parent process tells the folder"
)]
fn child_that_appends_until_it_is_killed() {
    let Some(folder) = std::env::var_os(KILLED_FOLDER) else {
        return;
    };
    let spool =
        Spool::open_with_segments(options(Path::new(&folder)), SMALL_SEGMENT_BYTES).unwrap();
    for number in 0.. {
        spool.append_intent(&intent(number)).unwrap();
        println!("\nintent {number}");
        if number % 3 != 0 {
            spool.append_outcome(&outcome(number)).unwrap();
            println!("\noutcome {number}");
        }
    }
}

#[test]
fn everything_acknowledged_survives_a_kill() {
    for lines in [1_usize, 20, 333] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("spool::tests::killed::child_that_appends_until_it_is_killed")
            .env(KILLED_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut acknowledged = Vec::new();
        for line in output.lines() {
            let line = line.unwrap();
            if line.starts_with("intent ") || line.starts_with("outcome ") {
                acknowledged.push(line);
            }
            if acknowledged.len() == lines {
                // The rest of the pipe is read too: the child had been told that it counts.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged.len() >= lines);
        check_acknowledged(&open(&folder), &acknowledged);
    }
}

fn check_acknowledged(spool: &Spool, acknowledged: &[String]) {
    let open = spool.open_intents().unwrap();
    let outcomes = spool.next_batch(usize::MAX).unwrap();
    for line in acknowledged {
        // The kill may cut the last line; its start then names another number, also acknowledged.
        let (kind, number) = line.split_once(' ').unwrap();
        let Ok(number) = number.parse::<u32>() else {
            continue;
        };
        let ended = outcomes.contains(&outcome(number));
        assert!(
            ended || (kind == "intent" && open.contains(&intent(number))),
            "{line}"
        );
    }
}
