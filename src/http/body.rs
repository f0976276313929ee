//! The guard around a request body: it counts what comes, stops at the limit (API-3) and gives slow senders up.
//!
//! Only the time spent waiting for the sender counts against its rate, never the time that the handler takes. The guard fails
//! with a [`Fault`] (`too-large`, `body-too-slow`, `request-malformed` for a body cut short); [`fault_of`] finds it again
//! below the errors that libraries wrap around it.
//!
//! A declared length is checked by the handler ([`Limits::check_declared`]), after the caller is known.

use std::{
    error::Error,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body as AxumBody;
use bytes::{Buf, Bytes};
use http::{HeaderMap, header::CONTENT_LENGTH};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, Sleep};

use crate::kernel::fault::{Code, Fault, Result};

/// How often a waiting body is judged.
const TICK: Duration = Duration::from_secs(1);

/// What a request body may be, and how slow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The complete transaction, request and return together, in bytes.
    pub transaction: u64,
    /// What of it is kept for the return, in bytes.
    pub return_reserve: u64,
    /// The least rate, in bytes per second, once `grace` is over.
    pub rate: u64,
    /// How long a body may be slower than `rate`.
    pub grace: Duration,
    /// The longest silence.
    pub idle: Duration,
    /// The longest life of a body.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            transaction: 20_000_000,
            return_reserve: 64_000,
            rate: 1_000,
            grace: Duration::from_secs(10),
            idle: Duration::from_secs(20),
            total: Duration::from_secs(300),
        }
    }
}

impl Limits {
    /// The longest request body, as received.
    pub fn request(&self) -> u64 {
        self.transaction.saturating_sub(self.return_reserve)
    }

    /// Refuses (code `too-large`) a declared length above the limit, before the body is asked for.
    pub fn check_declared(&self, headers: &HeaderMap) -> Result<()> {
        let declared = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok());
        let declared = declared.and_then(|text| text.parse::<u64>().ok());
        match declared {
            Some(length) if length > self.request() => Err(self.too_large()),
            _ => Ok(()),
        }
    }

    fn too_large(&self) -> Fault {
        let detail = format!(
            "La transaction complète (requête et retour) est limitée à {} octets, dont {} pour la requête ; \
             au-delà, passez par le canal des archives.",
            self.transaction,
            self.request()
        );
        Fault::new(Code::TooLarge, detail)
    }
}

/// What a request's body has been so far: an extension of the request.
#[derive(Clone, Default)]
pub struct Meter(Arc<Counts>);

#[derive(Default)]
struct Counts {
    received: AtomicU64,
    ended: AtomicBool,
}

impl Meter {
    /// The body's bytes received, multipart framing included.
    pub fn received(&self) -> u64 {
        self.0.received.load(Ordering::Acquire)
    }

    /// Whether the body was read to its end.
    pub fn is_ended(&self) -> bool {
        self.0.ended.load(Ordering::Acquire)
    }

    fn end(&self) {
        self.0.ended.store(true, Ordering::Release);
    }

    fn add(&self, count: usize) -> u64 {
        let count = count as u64;
        self.0.received.fetch_add(count, Ordering::AcqRel) + count
    }
}

/// A body that keeps to its [`Limits`].
pub struct Guard<B> {
    inner: B,
    limits: Limits,
    meter: Meter,
    started: Instant,
    waiting: Option<Instant>,
    waited: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
    failed: bool,
}

impl<B: Body> Guard<B> {
    /// Puts `inner` under `limits`; `meter` follows it.
    pub fn new(inner: B, limits: Limits, meter: Meter) -> Self {
        if inner.is_end_stream() {
            meter.end();
        }
        Self {
            inner,
            limits,
            meter,
            started: Instant::now(),
            waiting: None,
            waited: Duration::ZERO,
            alarm: None,
            failed: false,
        }
    }

    fn progressed(&mut self) {
        if let Some(since) = self.waiting.take() {
            self.waited += since.elapsed();
        }
    }

    fn is_too_slow(&self, now: Instant) -> bool {
        let silence = self.waiting.map_or(Duration::ZERO, |since| now - since);
        let waited = self.waited + silence;
        let due = waited.as_secs().saturating_mul(self.limits.rate);
        silence >= self.limits.idle
            || now - self.started >= self.limits.total
            || (waited >= self.limits.grace && self.meter.received() < due)
    }

    /// Nothing came: judge at each tick, and wake for the next one.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        self.waiting.get_or_insert_with(Instant::now);
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(TICK)));
        while Future::poll(alarm.as_mut(), cx).is_ready() {
            alarm.as_mut().reset(Instant::now() + TICK);
        }
        match self.is_too_slow(Instant::now()) {
            true => Poll::Ready(too_slow()),
            false => Poll::Pending,
        }
    }

    fn count(&mut self, frame: &Frame<B::Data>) -> Result<()> {
        let length = frame.data_ref().map_or(0, Buf::remaining);
        match self.meter.add(length) > self.limits.request() {
            true => Err(self.limits.too_large()),
            false => Ok(()),
        }
    }

    fn fail<T>(&mut self, fault: Fault) -> Poll<Option<Result<T>>> {
        self.failed = true;
        Poll::Ready(Some(Err(fault)))
    }
}

impl<B> Body for Guard<B>
where
    B: Body + Unpin,
    B::Error: std::fmt::Display,
{
    type Data = B::Data;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Pending => match self.wait(cx) {
                Poll::Ready(fault) => self.fail(fault),
                Poll::Pending => Poll::Pending,
            },
            Poll::Ready(None) => {
                self.meter.end();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => self.fail(cut(error)),
            Poll::Ready(Some(Ok(frame))) => self.pass(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failed || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Body> Guard<B> {
    fn pass(&mut self, frame: Frame<B::Data>) -> Poll<Option<Result<Frame<B::Data>>>> {
        self.progressed();
        if let Err(fault) = self.count(&frame) {
            return self.fail(fault);
        }
        if self.inner.is_end_stream() {
            self.meter.end();
        }
        Poll::Ready(Some(Ok(frame)))
    }
}

/// Reads a small body whole. Fails with `too-large` above `max` bytes, or with the guard's own faults.
pub async fn read_whole(body: AxumBody, max: usize) -> Result<Bytes> {
    let collected = Limited::new(body, max).collect().await;
    let collected = collected.map_err(|error| small_fault(&*error, max))?;
    Ok(collected.to_bytes())
}

fn small_fault(error: &(dyn Error + 'static), max: usize) -> Fault {
    if error.is::<http_body_util::LengthLimitError>() {
        let detail = format!("Le corps de cette requête est limité à {max} octets.");
        return Fault::new(Code::TooLarge, detail);
    }
    fault_of(error)
}

/// The fault below a library's error; what is none of ours is a body cut short.
pub fn fault_of(error: &(dyn Error + 'static)) -> Fault {
    let mut level = Some(error);
    while let Some(error) = level {
        if let Some(fault) = error.downcast_ref::<Fault>() {
            return fault.clone();
        }
        level = error.source();
    }
    cut(error)
}

fn cut(error: impl std::fmt::Display) -> Fault {
    let detail = "Le corps de la requête est incomplet ou mal formé.";
    Fault::new(Code::RequestMalformed, detail).because(error)
}

fn too_slow() -> Fault {
    let detail = "Le corps de la requête arrive trop lentement ; la requête est abandonnée.";
    Fault::new(Code::BodyTooSlow, detail)
}
