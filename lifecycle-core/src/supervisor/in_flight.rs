//! The tower layer that marks each request as work that a drain waits for.

use std::error::Error;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tower_layer::Layer;
use tower_service::Service;

use super::current::current;
use crate::model::place::Place;
use crate::tasks::busy::Busy;
use crate::tasks::catch_panic::presentable;

/// Longer paths are cut, in characters.
const LONGEST_PATH: usize = 100;

type BoxError = Box<dyn Error + Send + Sync>;

/// A tower layer, for axum, tonic and whatever else takes one: a stop waits for the requests that are under way, and names
/// them. With the feature `tower`.
///
/// A request is under way from its call until the body of its response has ended or was dropped. It is called by its method
/// and path, such as `POST /orders`; the query is left out, and a path is cut at 100 characters. As with [`busy`](crate::busy), the log names the
/// oldest while the drain waits, and what lasts longer than `drain` is a row of the report, with its age.
///
/// Once the shutdown has begun, responses to HTTP/1 requests say `connection: close`, unless they have that header. Bodies go on: a
/// download, or an answer that is streamed, may end by itself as long as the drain lasts. When the drain is over, a body of type
/// `text/event-stream` ends, as if by itself, so that its reader connects again; any other one fails, so that nobody takes what was
/// cut off for the whole. A stream that would never end makes each stop as long as `drain`: end yours when
/// [`stopping`](crate::stopping) does.
///
/// What happens on a connection after an upgrade (a WebSocket, `CONNECT`) cannot be seen from here: the response has no body.
/// Hold a [`busy`](crate::busy) guard in what handles it. Neither is it seen whether a client has received the last bytes: let the server be
/// awaited by main, with its graceful shutdown, and they are sent before main returns.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
///
/// async fn serve() -> std::io::Result<()> {
///     let routes = Router::new().route("/", get(async || "hello")).layer(lifecycle::in_flight());
///     let listener = lifecycle::listen("0.0.0.0:3000").await?;
///     axum::serve(listener, routes).with_graceful_shutdown(lifecycle::stopping()).await
/// }
/// # drop(serve);
/// ```
#[must_use = "a layer does nothing before a service is put into it"]
#[track_caller]
pub fn in_flight() -> InFlightLayer {
    InFlightLayer { place: Place::of(Location::caller()) }
}

/// Made by [`in_flight`].
#[derive(Clone, Debug)]
pub struct InFlightLayer {
    place: Place,
}

impl<S> Layer<S> for InFlightLayer {
    type Service = InFlight<S>;

    fn layer(&self, inner: S) -> InFlight<S> {
        InFlight { inner, place: self.place }
    }
}

/// A service whose requests a stop waits for; made by [`in_flight`].
#[derive(Clone, Debug)]
pub struct InFlight<S> {
    inner: S,
    place: Place,
}

impl<S, B, R> Service<Request<B>> for InFlight<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<InFlightBody<R>>;
    type Error = S::Error;
    type Future = InFlightFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> InFlightFuture<S::Future> {
        let busy = current().busy_at(&name(&request), self.place);
        let is_http_1 = request.version() <= Version::HTTP_11;
        InFlightFuture { response: self.inner.call(request), busy: Some(busy), is_http_1 }
    }
}

/// `POST /orders`.
fn name<B>(request: &Request<B>) -> String {
    let (method, path) = (request.method(), request.uri().path());
    let end = path.char_indices().nth(LONGEST_PATH).map_or(path.len(), |(end, _)| end);
    // Whoever calls has chosen it, and it is shown on terminals.
    format!("{method} {}", presentable(&path[..end]))
}

pin_project! {
    /// The response that is to come.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct InFlightFuture<F> {
        #[pin]
        response: F,
        busy: Option<Busy>,
        is_http_1: bool,
    }
}

impl<F, B, E> Future for InFlightFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<InFlightBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.response.poll(context));
        let busy = this.busy.take();
        Poll::Ready(result.map(|mut response| {
            if *this.is_http_1 && busy.as_ref().is_some_and(Busy::is_stopping) {
                let close = HeaderValue::from_static("close");
                response.headers_mut().entry(CONNECTION).or_insert(close);
            }
            let is_event_stream = is_event_stream(&response);
            response.map(|body| InFlightBody::new(body, busy, is_event_stream))
        }))
    }
}

fn is_event_stream<B>(response: &Response<B>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

pin_project! {
    /// The body of a response, which is under way until it has ended or is dropped.
    #[derive(Debug)]
    pub struct InFlightBody<B> {
        #[pin]
        body: B,
        #[pin]
        cut: Option<WaitForCancellationFutureOwned>,
        // Until it has ended.
        busy: Option<Busy>,
        is_event_stream: bool,
        has_ended: bool,
    }
}

impl<B> InFlightBody<B> {
    fn new(body: B, busy: Option<Busy>, is_event_stream: bool) -> InFlightBody<B> {
        let cut = busy.as_ref().and_then(Busy::ends_when_cut);
        InFlightBody {
            body,
            cut: cut.map(tokio_util::sync::CancellationToken::cancelled_owned),
            busy,
            is_event_stream,
            has_ended: false,
        }
    }
}

impl<B> Body for InFlightBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let mut this = self.project();
        if *this.has_ended {
            return Poll::Ready(None);
        }
        let next = this.body.as_mut().poll_frame(context);
        // What is whole by now is not cut any more. Before the stop the token, which has a lock, is left alone.
        let goes_on = match &next {
            Poll::Pending => true,
            Poll::Ready(Some(Ok(_))) => {
                this.busy.as_ref().is_some_and(Busy::is_stopping) && !this.body.is_end_stream()
            }
            Poll::Ready(_) => false,
        };
        let cut = this.cut.as_mut().as_pin_mut().filter(|_| goes_on);
        let is_cut = cut.is_some_and(|cut| cut.poll(context).is_ready());
        *this.has_ended = is_cut || matches!(next, Poll::Ready(None | Some(Err(_))));
        if *this.has_ended {
            this.busy.take();
            this.cut.set(None);
        }
        match next {
            _ if is_cut && *this.is_event_stream => Poll::Ready(None),
            _ if is_cut => Poll::Ready(Some(Err("cut off: the service stops, and its drain is over".into()))),
            next => next.map(|next| next.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_without_its_query_and_a_long_path_is_cut() {
        let named = |uri: &str| name(&Request::post(uri).body(()).unwrap());
        assert_eq!(named("/orders?token=secret"), "POST /orders");
        assert_eq!(named("http://user@host/a/b?c"), "POST /a/b");
        assert_eq!(named("*"), "POST *");
        let (just, over) = ("/".to_owned() + &"a".repeat(99), "/".to_owned() + &"a".repeat(100));
        assert_eq!(named(&just), format!("POST {just}"));
        assert_eq!(named(&over), format!("POST {just}"));
    }

    #[test]
    fn event_streams_are_told_by_their_type() {
        for (kind, is) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8", true),
            ("text/event-stream-2", false),
            ("application/json", false),
        ] {
            let response = Response::builder().header(CONTENT_TYPE, kind).body(()).unwrap();
            assert_eq!(is_event_stream(&response), is, "{kind}");
        }
        assert!(!is_event_stream(&Response::new(())));
    }
}
