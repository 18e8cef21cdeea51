//! Why a request failed, for a reason other than the copy itself.

use ringcopy_protocol::NtStatus;

use crate::{Operation, RequestError, ResponseError, TransportError};

/// A request failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver could not be reached.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The driver, or the I/O manager before it, refused the request.
    #[error("{operation} was refused with {status}")]
    Refused {
        /// The operation.
        operation: Operation,
        /// The status of the request.
        status: NtStatus,
    },
    /// The driver's response breaks the protocol.
    #[error("the driver's response to {operation} makes no sense: {reason}")]
    Response {
        /// The operation.
        operation: Operation,
        /// What is wrong with the response.
        reason: ResponseError,
    },
}

impl Error {
    /// Returns the conversion of an error of this operation's request.
    pub(crate) fn of(operation: Operation) -> impl Fn(RequestError) -> Self {
        move |error| match error {
            RequestError::Transport(error) => Self::Transport(error),
            RequestError::Status(status) => Self::Refused { operation, status },
        }
    }

    /// Returns the conversion of an error in this operation's response.
    pub(crate) fn in_response(operation: impl Into<Operation>) -> impl Fn(ResponseError) -> Self {
        let operation = operation.into();
        move |reason| Self::Response { operation, reason }
    }
}
