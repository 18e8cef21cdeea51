//! Ctrl-C: the pending request is cancelled, and the command ends with a sentence.

use std::{io, sync::Arc, time::Duration};

use ringcopy_win32::Event;

/// Whether the user has asked to stop. Clones share their state.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<Event>);

impl Interrupt {
    /// Creates the interrupt that Ctrl-C and Ctrl-Break raise. A process may have only one.
    ///
    /// When the console's window is closed, Windows ends the process as soon as the handler
    /// returns, which is at once ("`HandlerRoutine` callback function"), so nothing is undone.
    /// `ringcopy install` then completes an installation, and `ringcopy uninstall` removes it.
    ///
    /// # Errors
    /// If there is one already, or the handler cannot be set.
    #[cfg(feature = "program")]
    pub fn of_console() -> io::Result<Self> {
        let interrupt = Self::unattached()?;
        let raised = interrupt.clone();
        ctrlc::set_handler(move || raised.raise()).map_err(io::Error::other)?;
        Ok(interrupt)
    }

    /// Creates an interrupt that only [`raise`](Self::raise) raises.
    ///
    /// # Errors
    /// If the system is out of handles.
    pub fn unattached() -> io::Result<Self> {
        let event = Event::unnamed().map_err(io::Error::other)?;
        Ok(Self(Arc::new(event)))
    }

    /// Asks to stop.
    pub fn raise(&self) {
        self.0.set();
    }

    /// Returns whether the interrupt was raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.is_set()
    }

    /// Waits for this time, or until the interrupt is raised.
    pub fn pause(&self, time: Duration) {
        let _ = self.0.wait(time);
    }

    pub(super) fn event(&self) -> &Event {
        &self.0
    }
}
