//! Values of which each runtime has its own.
#![cfg(feature = "client")]

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    thread::available_parallelism,
};

use tokio::runtime::Id;

/// A program may have a runtime for each thread, and a few more.
const LEAST: usize = 16;
const FOR_EACH_THREAD: usize = 4;

/// Values of which each runtime has its own, such as connections, which live in a task of the runtime that they were made in.
/// Where there are too many runtimes, that of the one is forgotten that was not used for the longest time.
pub(crate) struct PerRuntime<T> {
    /// The one that was used last comes first.
    values: Mutex<VecDeque<(Id, T)>>,
    most: usize,
}

impl<T> Default for PerRuntime<T> {
    fn default() -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        Self { values: Mutex::default(), most: LEAST.max(FOR_EACH_THREAD * threads) }
    }
}

impl<T: Clone> PerRuntime<T> {
    fn values(&self) -> MutexGuard<'_, VecDeque<(Id, T)>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, runtime: Id) -> Option<T> {
        used(&mut self.values(), runtime)
    }

    /// Keeps a value that was made without the lock, and returns the one to use: where another came first, that one.
    pub(crate) fn keep(&self, runtime: Id, made: T) -> T {
        let mut values = self.values();
        used(&mut values, runtime).unwrap_or_else(|| {
            values.truncate(self.most - 1);
            values.push_front((runtime, made.clone()));
            made
        })
    }
}

/// The value of a runtime, which is then the last to be forgotten.
fn used<T: Clone>(values: &mut VecDeque<(Id, T)>, runtime: Id) -> Option<T> {
    let place = values.iter().position(|(id, _)| *id == runtime)?;
    let used = values.remove(place)?;
    let value = used.1.clone();
    values.push_front(used);
    Some(value)
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtime(_: usize) -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn a_runtime_that_is_used_keeps_its_value_however_many_others_come() {
        let values = PerRuntime::default();
        let home = runtime(0);
        assert_eq!(values.keep(home.handle().id(), "home"), "home");
        let others: Vec<_> = (0..3 * values.most).map(runtime).collect();
        for other in &others {
            assert_eq!(values.keep(other.handle().id(), "other"), "other");
            assert_eq!(values.get(home.handle().id()), Some("home"));
        }
        let kept = others.iter().filter(|other| values.get(other.handle().id()).is_some()).count();
        assert_eq!((kept, values.values().len()), (values.most - 1, values.most));
    }

    #[test]
    fn the_first_of_two_values_of_a_runtime_stays() {
        let (values, home) = (PerRuntime::default(), runtime(0));
        let id = home.handle().id();
        assert_eq!((values.get(id), values.keep(id, 1), values.keep(id, 2), values.get(id)), (None, 1, 1, Some(1)));
    }
}
