//! Places for large values that come and go, each with a number for as long as it is there.
//!
//! They lie in blocks that never move. A vector that grows would copy every connection that is followed, and would have
//! touched the memory of all the sizes it passed through.

/// Places of a block: enough that the list of blocks stays small, few enough that a shard with one connection costs little.
const BLOCK: usize = 16;

pub(super) struct Slots<T> {
    blocks: Vec<Box<[Option<T>; BLOCK]>>,
    /// Numbers that nobody has, the next one last.
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        (self.blocks.len() * BLOCK).saturating_sub(self.free.len())
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        let (block, place) = split(slot);
        self.blocks.get(block)?.get(place)?.as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        let (block, place) = split(slot);
        self.blocks.get_mut(block)?.get_mut(place)?.as_mut()
    }

    /// Gives it a place, and says its number.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        if self.free.is_empty() {
            self.grow();
        }
        let slot = self.free.pop().unwrap_or(u32::MAX);
        let (block, place) = split(slot);
        if let Some(empty) = self.blocks.get_mut(block).and_then(|block| block.get_mut(place)) {
            *empty = Some(value);
        }
        slot
    }

    /// Takes it out, and gives its number to the next one.
    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        let (block, place) = split(slot);
        let value = self.blocks.get_mut(block)?.get_mut(place)?.take()?;
        self.free.push(slot);
        Some(value)
    }

    /// All of them with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let places = self.blocks.iter().flat_map(|block| block.iter());
        (0..).zip(places).filter_map(|(slot, place)| Some((slot, place.as_ref()?)))
    }

    #[cold]
    fn grow(&mut self) {
        let first = self.blocks.len() * BLOCK;
        let numbers = (first..first + BLOCK).rev().filter_map(|slot| u32::try_from(slot).ok());
        self.free.extend(numbers);
        let places: Box<[Option<T>]> = (0..BLOCK).map(|_| None).collect();
        self.blocks.extend(places.try_into());
    }
}

/// The block that a number is in, and the place there.
#[inline]
fn split(slot: u32) -> (usize, usize) {
    let slot = slot as usize;
    (slot / BLOCK, slot % BLOCK)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The naive model is a map from number to value.
        #[test]
        fn agrees_with_a_map(steps in prop::collection::vec((any::<bool>(), 0u32..80), 1..200)) {
            let (mut slots, mut model) = (Slots::default(), BTreeMap::new());
            for (number, (insert, slot)) in steps.into_iter().enumerate() {
                if insert {
                    let slot = slots.insert(number);
                    prop_assert_eq!(model.insert(slot, number), None, "a number is given once");
                } else {
                    prop_assert_eq!(slots.remove(slot), model.remove(&slot));
                }
                prop_assert_eq!(slots.len(), model.len());
                prop_assert_eq!(slots.get(slot).copied(), model.get(&slot).copied());
                prop_assert_eq!(slots.get_mut(slot).copied(), model.get(&slot).copied());
                let all: BTreeMap<u32, usize> = slots.iter().map(|(slot, value)| (slot, *value)).collect();
                prop_assert_eq!(&all, &model);
            }
        }
    }

    #[test]
    fn a_number_that_was_given_back_is_the_next_to_be_given() {
        let mut slots = Slots::default();
        let given: Vec<u32> = (0..40).map(|value| slots.insert(value)).collect();
        assert_eq!(given, Vec::from_iter(0..40));
        assert_eq!((slots.remove(7), slots.remove(7), slots.get(7)), (Some(7), None, None));
        assert_eq!(slots.insert(70), 7);
        assert_eq!(slots.remove(u32::MAX), None);
    }
}
