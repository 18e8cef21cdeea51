//! The state of a queue that changes: its requests, and what it may do with them.

use super::Awaited;
use crate::{nt::event::Waiter, object::Ref, request::Request};

/// Guarded by the queue's lock.
pub(super) struct State {
    first: Option<Ref<Request>>,
    last: Option<Ref<Request>>,
    /// The first request that the driver owns.
    first_owned: Option<Ref<Request>>,
    /// Requests of the queue that the driver owns.
    pub(super) owned: u32,
    /// Those of them that the driver keeps while the device is not in its working state.
    acknowledged: u32,
    /// Requests that wait.
    pub(super) waiting: u32,
    pub(super) accepts: bool,
    pub(super) presents: bool,
    /// Whether the device's power lets the driver get requests.
    pub(super) is_powered: bool,
    pub(super) awaited: Option<Awaited>,
    /// What a thread that waits for the queue to settle waits for.
    pub(super) waiter: Waiter,
}

impl State {
    pub(super) const fn new(is_powered: bool) -> Self {
        Self {
            first: None,
            last: None,
            first_owned: None,
            owned: 0,
            acknowledged: 0,
            waiting: 0,
            accepts: true,
            presents: true,
            is_powered,
            awaited: None,
            waiter: Waiter::NONE,
        }
    }

    /// Whether the driver gets requests.
    pub(super) const fn dispatches(&self) -> bool {
        self.presents && self.is_powered
    }

    pub(super) fn push(&mut self, request: Ref<Request>) {
        request.next.set(None);
        self.waiting += 1;
        match self.last.replace(request) {
            Some(last) => last.next.set(Some(request)),
            None => self.first = Some(request),
        }
    }

    pub(super) fn push_first(&mut self, request: Ref<Request>) {
        request.next.set(self.first.replace(request));
        self.waiting += 1;
        if self.last.is_none() {
            self.last = Some(request);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Ref<Request>> {
        let request = self.first?;
        self.first = request.next.take();
        self.waiting -= 1;
        if self.first.is_none() {
            self.last = None;
        }
        Some(request)
    }

    /// Removes a request. Returns whether it was in the queue.
    pub(super) fn remove(&mut self, request: Ref<Request>) -> bool {
        if self.first == Some(request) {
            return self.pop().is_some();
        }
        let mut current = self.first;
        while let Some(before) = current {
            current = before.next.get();
            if current == Some(request) {
                before.next.set(request.next.take());
                self.waiting -= 1;
                if self.last == Some(request) {
                    self.last = Some(before);
                }
                return true;
            }
        }
        false
    }

    /// Returns the first waiting request that a function chooses.
    pub(super) fn find(
        &self,
        mut chosen: impl FnMut(Ref<Request>) -> bool,
    ) -> Option<Ref<Request>> {
        let mut current = self.first;
        while let Some(request) = current {
            if chosen(request) {
                return Some(request);
            }
            current = request.next.get();
        }
        None
    }

    /// Takes the first request that a function chooses, which the driver then owns. A request that is being
    /// cancelled is left to its cancel routine.
    pub(super) fn take(
        &mut self,
        mut chosen: impl FnMut(Ref<Request>) -> bool,
    ) -> Option<Ref<Request>> {
        loop {
            let request = self.find(&mut chosen)?;
            self.remove(request);
            if request.leave_queue() {
                self.own(request);
                return Some(request);
            }
        }
    }

    /// Adds a request to those that the driver owns.
    pub(super) fn own(&mut self, request: Ref<Request>) {
        request.next.set(self.first_owned.replace(request));
        request.is_visited.set(false);
        self.owned += 1;
    }

    /// Removes a request from those that the driver owns.
    pub(super) fn disown(&mut self, request: Ref<Request>) {
        let next = request.next.take();
        if self.first_owned == Some(request) {
            self.first_owned = next;
        } else {
            let mut current = self.first_owned;
            while let Some(before) = current {
                current = before.next.get();
                if current == Some(request) {
                    before.next.set(next);
                }
            }
        }
        self.owned -= 1;
        if request.is_acknowledged.take() {
            self.acknowledged -= 1;
        }
        self.waiter.wake();
    }

    /// Whether the driver has disposed of all its requests, or keeps them while the device is not in
    /// its working state.
    pub(super) const fn is_held(&self) -> bool {
        self.owned == self.acknowledged
    }

    /// Notes that the driver keeps a request while the device is not in its working state.
    pub(super) fn acknowledge(&mut self, request: Ref<Request>) {
        if !request.is_acknowledged.replace(true) {
            self.acknowledged += 1;
        }
        self.waiter.wake();
    }

    /// Ends that. Returns whether the driver kept the request.
    pub(super) fn resume(&mut self, request: Ref<Request>) -> bool {
        let was = request.is_acknowledged.take();
        self.acknowledged -= u32::from(was);
        was
    }

    /// Makes [`State::next_unvisited`] begin again.
    pub(super) fn begin_visit(&self) {
        let mut current = self.first_owned;
        while let Some(request) = current {
            request.is_visited.set(false);
            current = request.next.get();
        }
    }

    /// Returns a request of the driver that has not been visited.
    pub(super) fn next_unvisited(&self) -> Option<Ref<Request>> {
        let mut current = self.first_owned;
        while let Some(request) = current {
            if !request.is_visited.replace(true) {
                return Some(request);
            }
            current = request.next.get();
        }
        None
    }

    /// Takes the callback, if its state is reached.
    pub(super) fn take_fulfilled(&mut self) -> Option<Awaited> {
        let awaited = self.awaited?;
        let fulfilled = self.owned == 0 && (!awaited.empty || self.first.is_none());
        if fulfilled { self.awaited.take() } else { None }
    }
}
