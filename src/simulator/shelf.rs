//! A bounded collection of the objects that a provider keeps: by id, in the order they were made.

use std::collections::BTreeMap;

use super::target::Target;

/// Objects of one kind. Ids are the prefix and a number that counts up, so that their order is
/// that of their making. Beyond its bound it loses the oldest.
pub(super) struct Shelf<T> {
    prefix: &'static str,
    bound: usize,
    last: u64,
    objects: BTreeMap<u64, T>,
}

/// Which part of a list a caller wants.
pub(super) struct Page<'a> {
    pub(super) limit: usize,
    /// The id that the last page ended with.
    pub(super) after: Option<&'a str>,
    /// The id that the next page began with.
    pub(super) before: Option<&'a str>,
    pub(super) oldest_first: bool,
}

impl<'a> Page<'a> {
    /// What Google's callers ask for: the newest first, from where the last page ended.
    pub(super) fn of_google(target: &'a Target) -> Self {
        Self {
            limit: target.page("pageSize"),
            after: target.query("pageToken"),
            before: None,
            oldest_first: false,
        }
    }
}

impl<T> Shelf<T> {
    pub(super) fn new(prefix: &'static str, bound: usize) -> Self {
        Self {
            prefix,
            bound,
            last: 0,
            objects: BTreeMap::new(),
        }
    }

    pub(super) fn id(&self, number: u64) -> String {
        format!("{}{number:020x}", self.prefix)
    }

    /// Keeps an object that is made knowing its own id.
    pub(super) fn insert(&mut self, make: impl FnOnce(&str) -> T) -> u64 {
        self.last += 1;
        let number = self.last;
        let object = make(&self.id(number));
        self.put(number, object);
        number
    }

    /// Keeps an object whose number is that of the call that made it.
    pub(super) fn put(&mut self, number: u64, object: T) {
        if self.objects.len() == self.bound {
            self.objects.pop_first();
        }
        self.objects.insert(number, object);
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.objects.get(&self.number(id)?)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let number = self.number(id)?;
        self.objects.get_mut(&number)
    }

    pub(super) fn find(&mut self, number: u64) -> Option<&mut T> {
        self.objects.get_mut(&number)
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<T> {
        let number = self.number(id)?;
        self.objects.remove(&number)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.objects.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut T)> {
        let objects = self.objects.iter_mut();
        objects.map(|(number, object)| (*number, object))
    }

    /// A page of what `fits`, as ids and objects, and whether there is more behind it.
    pub(super) fn page(
        &self,
        page: &Page<'_>,
        fits: impl Fn(&T) -> bool,
    ) -> (Vec<(String, &T)>, bool) {
        let after = page.after.and_then(|id| self.number(id));
        let before = page.before.and_then(|id| self.number(id));
        let behind = |number: u64, edge: u64| {
            if page.oldest_first {
                number > edge
            } else {
                number < edge
            }
        };
        let fitting = self.objects.iter().filter(|(number, object)| {
            fits(object)
                && after.is_none_or(|edge| behind(**number, edge))
                && before.is_none_or(|edge| **number != edge && !behind(**number, edge))
        });
        let mut found: Vec<(String, &T)> = fitting
            .map(|(number, object)| (self.id(*number), object))
            .collect();
        if !page.oldest_first {
            found.reverse();
        }
        let more = found.len() > page.limit;
        found.truncate(page.limit);
        (found, more)
    }

    fn number(&self, id: &str) -> Option<u64> {
        u64::from_str_radix(id.strip_prefix(self.prefix)?, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, Shelf};

    fn page(limit: usize, after: Option<&str>, oldest_first: bool) -> Page<'_> {
        Page {
            limit,
            after,
            before: None,
            oldest_first,
        }
    }

    #[test]
    fn loses_the_oldest_beyond_its_bound() {
        let mut shelf = Shelf::new("x-", 2);
        for object in ["a", "b", "c"] {
            shelf.insert(|_| object);
        }
        assert_eq!(shelf.values().collect::<Vec<_>>(), [&"b", &"c"]);
        assert!(shelf.get("x-1").is_none() && shelf.get("y-2").is_none());
        assert_eq!(shelf.remove(&shelf.id(2)), Some("b"));
    }

    #[test]
    fn pages_follow_one_another_in_either_order() {
        let mut shelf = Shelf::new("x-", 9);
        for object in 1..=5 {
            shelf.insert(|_| object);
        }
        for (oldest_first, expected) in [(true, [1, 2, 3, 4, 5]), (false, [5, 4, 3, 2, 1])] {
            let mut seen: Vec<i32> = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let (found, more) = shelf.page(&page(2, after.as_deref(), oldest_first), |_| true);
                seen.extend(found.iter().map(|(_, object)| **object));
                after = found.last().map(|(id, _)| id.clone());
                if !more {
                    break;
                }
            }
            assert_eq!(seen, expected);
        }
        let (odd, _) = shelf.page(&page(9, None, true), |object| object % 2 == 1);
        assert_eq!(odd.len(), 3);
    }
}
