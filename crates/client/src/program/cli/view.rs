//! What the user sees: text while a command runs, or one document at its end.

use std::io::{self, Write};

use super::{Console, FAILURE, SUCCESS, arguments::Arguments, record::Document};

/// The output of one command.
pub(super) struct View<'v, 'c> {
    pub(super) console: &'v mut Console<'c>,
    pub(super) json: bool,
    /// Whether standard output gets the bytes that were read, and nothing else.
    pub(super) bytes_on_out: bool,
    /// What `--json` prints.
    pub(super) document: Document,
}

impl<'v, 'c> View<'v, 'c> {
    pub(super) fn new(console: &'v mut Console<'c>, arguments: &Arguments) -> Self {
        Self {
            console,
            json: arguments.json,
            bytes_on_out: arguments.command.puts_bytes_on_standard_output(),
            document: Document::new(arguments.command.name()),
        }
    }

    /// Prints a line, unless a document is printed.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(self.text_stream(), "{text}")
    }

    /// Prints a sentence about a failure, unless a document is printed.
    pub(super) fn remark(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(self.console.err, "{text}")
    }

    /// Returns the stream for text and for the document.
    fn text_stream(&mut self) -> &mut dyn Write {
        if self.bytes_on_out {
            self.console.err
        } else {
            self.console.out
        }
    }

    /// Prints the document or the error. Returns the exit code.
    pub(super) fn finish(&mut self) -> io::Result<i32> {
        if self.json {
            let mut text = serde_json::to_string_pretty(&self.document)?;
            text.push('\n');
            self.text_stream().write_all(text.as_bytes())?;
        } else if let Some(error) = &self.document.error {
            writeln!(self.console.err, "ringcopy: {error}")?;
        }
        self.console.out.flush()?;
        Ok(if self.document.succeeded {
            SUCCESS
        } else {
            FAILURE
        })
    }
}
