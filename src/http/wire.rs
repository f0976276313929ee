//! The byte stream of one connection, and the deadlines that HTTP puts on it outside of a request: a head must be whole
//! soon after its first byte, an idle connection ends, a reader that takes nothing is cut. While a handler works the wire
//! waits for it; the request body has deadlines of its own ([`super::body`]).

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};
use tokio_rustls::server::TlsStream;

/// How much is read from the socket at once under TLS, whose own reads are of 4 KiB only.
pub const SOCKET_BUFFER: usize = 32 * 1024;

/// How soon a connection is looked at again while its handler works.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The stream below HTTP.
pub enum Stream {
    /// Without TLS: the loopback listener.
    Plain(TcpStream),
    /// With TLS.
    Tls(Box<TlsStream<BufReader<TcpStream>>>),
}

impl Stream {
    /// The socket alone, for what remains to be read and thrown away.
    pub fn into_socket(self) -> TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.into_inner().0.into_inner(),
        }
    }
}

/// What the handlers of a connection tell its wire.
#[derive(Default)]
pub struct Pace {
    busy: AtomicBool,
    requests: AtomicU64,
    unread: AtomicBool,
}

impl Pace {
    /// A request's head is whole; until the guard falls, time is the handler's.
    pub fn begin(self: &Arc<Self>) -> Turn {
        self.busy.store(true, Ordering::Release);
        self.requests.fetch_add(1, Ordering::AcqRel);
        Turn(Arc::clone(self))
    }

    /// The request was answered before its body was read: close with patience.
    pub fn leave_unread(&self) {
        self.unread.store(true, Ordering::Release);
    }

    /// Whether [`Pace::leave_unread`] was called.
    pub fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Acquire)
    }
}

/// A handler at work; dropped with its answer, or when the connection goes.
pub struct Turn(Arc<Pace>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}

/// The two deadlines of a connection outside of a handler.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a head to be whole, from its first byte.
    pub head: Duration,
    /// For a byte to go either way.
    pub idle: Duration,
}

/// A [`Stream`] with its deadlines.
pub struct Wire {
    stream: Stream,
    pace: Arc<Pace>,
    patience: Patience,
    seen: u64,
    head: Option<Instant>,
    moved: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    /// Wraps a fresh stream, idle from now on: a client may connect before it has something to say.
    pub fn new(stream: Stream, pace: Arc<Pace>, patience: Patience) -> Self {
        Self {
            stream,
            pace,
            patience,
            seen: 0,
            head: None,
            moved: Instant::now(),
            alarm: None,
        }
    }

    /// The stream back.
    pub fn into_stream(self) -> Stream {
        self.stream
    }

    fn notice_requests(&mut self) {
        let requests = self.pace.requests.load(Ordering::Acquire);
        if requests != self.seen {
            self.seen = requests;
            self.head = None;
        }
    }

    fn received(&mut self, count: usize) {
        self.notice_requests();
        self.moved = Instant::now();
        let between_requests = !self.pace.busy.load(Ordering::Acquire);
        if between_requests && count > 0 && self.head.is_none() {
            self.head = Some(self.moved);
        }
    }

    fn sent(&mut self) {
        self.moved = Instant::now();
    }

    fn deadline(&mut self) -> Option<Instant> {
        if self.pace.busy.load(Ordering::Acquire) {
            // A pause of the handler's must not count against the peer afterwards.
            self.moved = Instant::now();
            return None;
        }
        self.notice_requests();
        Some(match self.head {
            Some(start) => start + self.patience.head,
            None => self.moved + self.patience.idle,
        })
    }

    /// Nothing moves: fails once the deadline is over, and sees to it that the task wakes then. While a handler works there
    /// is no deadline, but the task wakes all the same: hyper does not ask the wire again once its answer is written.
    fn overdue<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let deadline = self.deadline();
        let wake = deadline.unwrap_or_else(|| Instant::now() + LOOK_AGAIN);
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(wake)));
        if alarm.deadline() > wake || alarm.is_elapsed() {
            alarm.as_mut().reset(wake);
        }
        // It may ring early: the deadline moves on with every byte, the timer only when it rings.
        while Future::poll(alarm.as_mut(), cx).is_ready() {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            alarm.as_mut().reset(wake);
        }
        Poll::Pending
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = match &mut self.stream {
            Stream::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        match read {
            Poll::Pending => self.overdue(cx),
            Poll::Ready(outcome) => {
                self.received(buf.filled().len() - before);
                Poll::Ready(outcome)
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.stream {
            Stream::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        };
        match written {
            Poll::Pending => self.overdue(cx),
            Poll::Ready(outcome) => {
                self.sent();
                Poll::Ready(outcome)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = match &mut self.stream {
            Stream::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        };
        match flushed {
            Poll::Pending => self.overdue(cx),
            ready => ready,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = match &mut self.stream {
            Stream::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        };
        match closed {
            Poll::Pending => self.overdue(cx),
            ready => ready,
        }
    }
}
