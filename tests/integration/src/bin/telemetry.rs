//! The recipe for OpenTelemetry, with an exporter that writes the names of spans into the file `exported`.
//!
//! Nothing is exported before the flush: the batch is far from full, and its time is an hour. `unflushed` leaves the flush out.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use lifecycle::Phase;
use opentelemetry::global;
use opentelemetry::trace::{Span, Tracer};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter,
};

const TELEMETRY: Phase = Phase::new("telemetry", 400);

struct Telemetry(SdkTracerProvider);

impl Telemetry {
    #[lifecycle::component(phase = TELEMETRY, timeout = "3s")]
    fn flush(&self) -> OTelSdkResult {
        self.0.shutdown()
    }
}

struct Orders;

impl Orders {
    /// Begins and ends its span in the phase before the flush.
    #[lifecycle::component(phase = "disconnect")]
    async fn close(&self) {
        let mut span = global::tracer("orders").start("close orders");
        tokio::time::sleep(Duration::from_millis(10)).await;
        span.end();
    }
}

#[derive(Debug)]
struct ToFile;

impl SpanExporter for ToFile {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let names: String = batch.iter().map(|span| format!("{}\n", span.name)).collect();
        let file = OpenOptions::new().create(true).append(true).open("exported");
        let written = file.and_then(|mut file| file.write_all(names.as_bytes()));
        written.map_err(|error| OTelSdkError::InternalFailure(error.to_string()))
    }
}

#[lifecycle::main(restart = false)]
async fn main() {
    let rarely = BatchConfigBuilder::default().with_scheduled_delay(Duration::from_secs(3600)).build();
    let batches = BatchSpanProcessor::builder(ToFile).with_batch_config(rarely).build();
    let provider = SdkTracerProvider::builder().with_span_processor(batches).build();
    global::set_tracer_provider(provider.clone());
    if std::env::args().nth(1).as_deref() != Some("unflushed") {
        lifecycle::manage(Telemetry(provider));
    }
    lifecycle::manage(Orders);
    global::tracer("orders").start("open orders").end();
    println!("up");
    lifecycle::stopping().await;
}
