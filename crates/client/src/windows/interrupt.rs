//! Ctrl-C: the request under way is cancelled, and the command ends with a sentence rather than in
//! the middle of one.

use std::{io, sync::Arc, time::Duration};

use ringcopy_win32::Event;

/// Whether the user has asked to stop. All copies are one.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<Event>);

impl Interrupt {
    /// One that Ctrl-C and Ctrl-Break raise; to be made once in a process.
    ///
    /// When the console's window is closed, Windows ends the process as soon as the handler
    /// returns, which is at once ("`HandlerRoutine` callback function"): nothing is undone then. An
    /// installation that was under way is completed by `ringcopy install`, or taken away by
    /// `ringcopy uninstall`; both can be repeated.
    ///
    /// # Errors
    /// If there is another, or the console takes no handler.
    #[cfg(feature = "program")]
    pub fn of_console() -> io::Result<Self> {
        let interrupt = Self::unattached()?;
        let raised = interrupt.clone();
        ctrlc::set_handler(move || raised.raise()).map_err(io::Error::other)?;
        Ok(interrupt)
    }

    /// One that only [`raise`](Self::raise) raises.
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

    /// Whether somebody has asked to stop.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.is_set()
    }

    /// Waits so long, or until somebody asks to stop.
    pub fn pause(&self, time: Duration) {
        let _ = self.0.wait(time);
    }

    pub(super) fn event(&self) -> &Event {
        &self.0
    }
}
