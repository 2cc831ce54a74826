//! The page for people in headless Chromium, driven by `chromedriver`; skipped with a word where there is none.
//! `UPDATE_SCREENSHOTS=1` writes the pictures of `docs/probes.md` anew.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lifecycle_tests::{Running, Service, documents};
use serde_json::json;
use thirtyfour::prelude::*;
use thirtyfour::{ChromiumLikeCapabilities, LoggingPrefsLogLevel};

const PATIENCE: Duration = Duration::from_secs(30);

/// `chromedriver`, ended when dropped, with its browser.
struct Driver {
    child: Child,
    address: String,
}

impl Driver {
    /// None if it, or its browser, is not installed.
    fn start() -> Option<Driver> {
        Command::new("chromium").arg("--version").output().ok()?;
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").process_group(0).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let says = |line: String| {
            let port = line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').to_owned();
            Some(format!("http://127.0.0.1:{port}"))
        };
        let address = stdout.lines().map_while(Result::ok).find_map(says).expect("it says its port");
        Some(Driver { child, address })
    }

    async fn browser(&self) -> WebDriver {
        let mut options = DesiredCapabilities::chrome();
        // Root needs the second one, a container the third.
        for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"] {
            options.add_arg(argument).expect("an argument");
        }
        for log in ["browser", "performance"] {
            options.set_logging_prefs(log, LoggingPrefsLogLevel::All).expect("a log");
        }
        WebDriver::new(&self.address, options).await.expect("a browser")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = -libc::pid_t::try_from(self.child.id()).expect("a pid");
        // SAFETY: takes numbers only; the group is the one that was made for it.
        unsafe { libc::kill(group, libc::SIGKILL) };
        let _ = self.child.wait();
    }
}

/// The service, and where its page is. It was killed once before.
fn up() -> (Running, String) {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let service = || {
        let service = Service::inside(env!("CARGO_BIN_EXE_page"), folder.clone());
        service.env("LIFECYCLE_HANG_REPORT", "hang.txt")
    };
    let mut killed = service().start();
    killed.line("up");
    std::thread::sleep(Duration::from_millis(1500));
    killed.signal(libc::SIGKILL);
    let _ = killed.wait();
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let address = format!("127.0.0.1:{port}");
    let service = service().env("LIFECYCLE_PROBES", &address).start();
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(&address).is_err() {
        assert!(Instant::now() < until, "it does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    (service, format!("http://{address}/"))
}

async fn text(browser: &WebDriver, id: &str) -> String {
    browser.find(By::Id(id)).await.expect("on the page").text().await.expect("its text")
}

async fn wait_for(browser: &WebDriver, id: &str, is_it: impl Fn(&str) -> bool) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let now = text(browser, id).await;
        if is_it(&now) {
            return now;
        }
        assert!(Instant::now() < until, "#{id} stays {now:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// As a person with such a screen sees it: the colour of the text, and whether the page is wider than the screen.
async fn look(browser: &WebDriver, scheme: &str, width: u32, picture: &str) -> (String, bool) {
    let cdp = browser.cdp();
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
    cdp.send_raw("Emulation.setEmulatedMedia", features).await.expect("emulated");
    let is_phone = width < 500;
    // The whole page, once it is known how long it is at this width.
    for is_known in [false, true] {
        let height = browser.execute("return document.documentElement.scrollHeight", Vec::new()).await;
        let height = if is_known { height.expect("run").json().as_u64().expect("a number") } else { 100 };
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone });
        cdp.send_raw("Emulation.setDeviceMetricsOverride", screen).await.expect("emulated");
    }
    let script =
        "return [getComputedStyle(document.body).color, document.documentElement.scrollWidth > innerWidth]";
    let seen = browser.execute(script, Vec::new()).await.expect("run");
    if !picture.is_empty() && std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        let path = documents::root().join("docs").join(picture);
        browser.screenshot(Path::new(&path)).await.expect("written");
    }
    serde_json::from_value(seen.json().clone()).expect("a text and a flag")
}

/// What the page has asked for, over any protocol that leaves the browser.
async fn requests(browser: &WebDriver) -> Vec<String> {
    let log = browser.get_log("performance").await.expect("a log");
    let messages =
        log.iter().filter_map(|entry| serde_json::from_str::<serde_json::Value>(&entry.message).ok());
    let sent = messages.filter(|message| message["message"]["method"] == "Network.requestWillBeSent");
    let urls =
        sent.filter_map(|message| Some(message["message"]["params"]["request"]["url"].as_str()?.to_owned()));
    urls.filter(|url| !url.starts_with("data:") && !url.starts_with("chrome:")).collect()
}

#[tokio::test]
async fn the_page_is_one_for_people() {
    let Some(driver) = Driver::start() else {
        println!("skipped: chromium or chromedriver is not installed");
        return;
    };
    let browser = driver.browser().await;
    let shown = tokio::spawn(is_one_for_people(browser.clone())).await;
    // Also after a failure: a browser that is dropped instead waits for its driver for ever.
    browser.quit().await.expect("ended");
    shown.expect("no assertion failed");
}

async fn is_one_for_people(browser: WebDriver) {
    let (service, url) = up();
    browser.goto(&url).await.expect("there");
    wait_for(&browser, "state", |text| text == "running").await;
    wait_for(&browser, "ready", |text| text == "ready").await;
    // The page asks every ten seconds, and so it finds the report that is made now.
    wait_for(&browser, "hang-hint", |text| text.contains("no hang report so far: `kill -QUIT")).await;
    service.signal(libc::SIGQUIT);
    for (id, has) in [
        ("previous", "exchange closed the connection: maintenance"),
        ("tasks", "PriceFeed::follow 1"),
        ("tasks", "reconciler 0"),
        ("heartbeats", "Strategy::tick"),
        // Text, not HTML.
        ("heartbeats", "<b>reconcile</b>"),
        ("plan", "stop 1 PriceFeed::close 1 5.0 s"),
        ("plan", "persist 0 Strategy::flush 1 5.0 s"),
        ("workers", "1 "),
        ("runs", "running"),
        ("runs", "crashed"),
        ("runs", "killed"),
        ("crashes", "main failed: exchange closed the connection: maintenance"),
        ("crashes", "killed: "),
        ("hang-at", "written at "),
        ("sockets", "api 127.0.0.1:"),
        ("sockets", "/admin.sock lifecycle"),
    ] {
        wait_for(&browser, id, |text| text.contains(has)).await;
    }

    // Its report is read where it is opened.
    assert!(!browser.find(By::Id("hang")).await.expect("there").is_displayed().await.expect("said"));
    browser.find(By::Id("hang-at")).await.expect("there").click().await.expect("opened");
    wait_for(&browser, "hang", |text| text.starts_with("hang report of process")).await;
    let bars = browser.find_all(By::Css("#runs .pair div")).await.expect("there");
    assert!(bars.len() >= 5, "four runs, of which at least one has a shutdown: {}", bars.len());

    let (light, dark) = ("rgb(0, 0, 0)", "rgb(255, 255, 255)");
    for (scheme, width, picture, colour) in [
        ("dark", 390, "page-phone.png", dark),
        ("light", 390, "", light),
        ("dark", 900, "", dark),
        ("light", 900, "page.png", light),
    ] {
        let (seen, is_too_wide) = look(&browser, scheme, width, picture).await;
        assert_eq!(seen, colour, "{scheme} {width}");
        assert!(!is_too_wide, "{scheme} {width}: it scrolls sideways");
    }

    // By itself, without a reload.
    let before = text(&browser, "heartbeats").await;
    wait_for(&browser, "heartbeats", |now| now != before).await;
    let asked = requests(&browser).await;
    assert!(asked.iter().filter(|asked| **asked == format!("{url}status")).count() >= 2, "{asked:?}");
    assert!(asked.iter().all(|asked| asked.starts_with(&url)), "{asked:?}");
    let said = browser.browser_log().await.expect("a log");
    assert!(said.is_empty(), "{said:?}");

    service.signal(libc::SIGTERM);
    wait_for(&browser, "state", |text| text == "stopping").await;
    assert_eq!(text(&browser, "ready").await, "not ready");
    wait_for(&browser, "state", |text| text == "does not answer").await;
    let said = browser.browser_log().await.expect("a log");
    assert!(
        said.iter().any(|entry| entry.message.contains("ERR_CONNECTION")),
        "the log has errors: {said:?}"
    );
    let _ = service.wait().expect_code(0);
}
