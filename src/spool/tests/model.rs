//! The spool against a model of it, whatever happens to it.

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Intent(u32),
    Outcome(u32),
    Withdraw(u32),
    Remove(Vec<u32>),
    RemoveBatch(usize),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let number = || 0..30_u32;
    prop_oneof![
        6 => number().prop_map(Step::Intent),
        5 => number().prop_map(Step::Outcome),
        1 => number().prop_map(Step::Withdraw),
        1 => prop::collection::vec(number(), 0..4).prop_map(Step::Remove),
        3 => (0..6_usize).prop_map(Step::RemoveBatch),
        1 => Just(Step::Reopen),
    ]
}

/// The spool as it should be: intents by id, and outcomes in the order they came.
#[derive(Debug, Default)]
struct Model {
    open: BTreeMap<u32, LedgerRow>,
    waiting: Vec<u32>,
}

impl Model {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Intent(number) => {
                if !self.waiting.contains(number) {
                    self.open.insert(*number, intent(*number));
                }
            }
            Step::Outcome(number) => {
                self.open.remove(number);
                if !self.waiting.contains(number) {
                    self.waiting.push(*number);
                }
            }
            Step::Withdraw(number) => {
                self.open.remove(number);
            }
            Step::Remove(numbers) => self.waiting.retain(|waits| !numbers.contains(waits)),
            Step::RemoveBatch(rows) => {
                self.waiting.drain(..(*rows).min(self.waiting.len()));
            }
            Step::Reopen => {}
        }
    }
}

fn take(spool: Spool, folder: &TempDir, step: &Step) -> Spool {
    match step {
        Step::Intent(number) => spool.append_intent(&intent(*number)).unwrap(),
        Step::Outcome(number) => spool.append_outcome(&outcome(*number)).unwrap(),
        Step::Withdraw(number) => spool.withdraw(id(*number)).unwrap(),
        Step::Remove(numbers) => {
            let requests: Vec<_> = numbers.iter().copied().map(id).collect();
            spool.remove(&requests).unwrap();
        }
        Step::RemoveBatch(rows) => spool
            .remove(&ids(&spool.next_batch(*rows).unwrap()))
            .unwrap(),
        Step::Reopen => {
            drop(spool);
            return open(folder);
        }
    }
    spool
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn behaves_as_its_model_whatever_happens(steps in prop::collection::vec(step(), 1..300)) {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = open(&folder);
        let mut model = Model::default();
        for step in &steps {
            spool = take(spool, &folder, step);
            model.take(step);
            let status = spool.status();
            prop_assert_eq!((status.open, status.waiting), (model.open.len(), model.waiting.len()));
        }
        spool = take(spool, &folder, &Step::Reopen);
        let open: Vec<_> = model.open.into_values().collect();
        prop_assert_eq!(spool.open_intents().unwrap(), open);
        let waiting: Vec<_> = model.waiting.into_iter().map(outcome).collect();
        prop_assert_eq!(spool.next_batch(usize::MAX).unwrap(), waiting);
    }
}
