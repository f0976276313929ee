//! Between a request's body and the multipart parser, which on its own buffers all of the body that is ready: the valve
//! lets one piece through at a time, and only when the parser has nothing left to say without it.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::Stream;
use http_body::Body as _;

/// Lets one piece of the body through to the parser at a time: it would buffer all that is ready otherwise.
pub struct Valve {
    body: Mutex<Body>,
    open: AtomicBool,
    over: AtomicBool,
    passed: AtomicU64,
}

impl Valve {
    /// A closed valve before `body`.
    pub fn new(body: Body) -> Self {
        Self {
            body: Mutex::new(body),
            open: AtomicBool::new(false),
            over: AtomicBool::new(false),
            passed: AtomicU64::new(0),
        }
    }

    /// How many bytes went through to the parser.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Polls the parser with what it has, then with one more piece each time that it has nothing to say.
    pub fn drive<T>(
        &self,
        cx: &mut Context<'_>,
        mut parse: impl FnMut(&mut Context<'_>) -> Poll<Result<T, multer::Error>>,
    ) -> Poll<Result<T, multer::Error>> {
        self.open.store(false, Ordering::Relaxed);
        loop {
            match parse(cx) {
                Poll::Ready(said) => return Poll::Ready(said),
                // Still open: the body itself is what we wait for, unless there is no more of it.
                Poll::Pending if self.open.load(Ordering::Relaxed) => return self.at_rest(),
                Poll::Pending => self.open.store(true, Ordering::Relaxed),
            }
        }
    }

    fn at_rest<T>(&self) -> Poll<Result<T, multer::Error>> {
        match self.over.load(Ordering::Relaxed) {
            true => Poll::Ready(Err(multer::Error::IncompleteStream)),
            false => Poll::Pending,
        }
    }

    /// The next piece of the body; trailers are skipped.
    pub fn poll_body(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        let mut body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        return Poll::Ready(Some(Ok(piece)));
                    }
                }
            }
        }
    }
}

/// The parser's end of the valve.
pub struct Tap(Arc<Valve>);

impl Tap {
    /// What the parser reads from.
    pub fn new(valve: &Arc<Valve>) -> Self {
        Self(Arc::clone(valve))
    }
}

impl Stream for Tap {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let valve = &self.0;
        if !valve.open.load(Ordering::Relaxed) {
            // No wake-up is lost: `drive` polls again at once.
            return Poll::Pending;
        }
        let piece = ready!(valve.poll_body(cx));
        valve.open.store(false, Ordering::Relaxed);
        match &piece {
            Some(Ok(bytes)) => {
                valve
                    .passed
                    .fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            _ => valve.over.store(true, Ordering::Relaxed),
        }
        Poll::Ready(piece)
    }
}
