//! Memory that one diagnosis leaves to the next on the same thread.

use std::cell::Cell;

use crate::hits::Hits;
use crate::unwrap::Spare;

/// What a diagnosis needs while it goes on. Nothing in it outlasts a diagnosis but the memory.
#[derive(Default)]
pub(crate) struct Room {
    pub(crate) spare: Spare,
    pub(crate) hits: Hits,
}

thread_local! {
    static ROOM: Cell<Room> = Cell::default();
}

/// Calls `work` with the room of this thread.
pub(crate) fn with<T>(work: impl FnOnce(&mut Room) -> T) -> T {
    // Who asks again meanwhile finds an empty room.
    let mut room = ROOM.take();
    let done = work(&mut room);
    room.hits.shrink();
    ROOM.set(room);
    done
}
