//! The studio as a browser meets it, by plain requests; the page itself is tried in a browser by `.ci/studio`.

mod grids;
mod inside;
mod points;

use crate::run::{copy, json, program, tweedie, workshop};
use serde_json::{Value, json as body};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A studio that is open, over a folder with the workshop's model.
struct Studio {
    child: Child,
    address: String,
    folder: TempDir,
}

impl Studio {
    fn open() -> Studio {
        let folder = tempfile::tempdir().unwrap();
        copy(&workshop().join("model"), &folder.path().join("shelf/model"));
        let mut child = program(folder.path(), &["studio", "shelf", "--port=0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap().trim_end_matches('/').to_string();
        Studio { child, address, folder }
    }

    /// Trains a run on the shelf for two steps.
    fn train(&self, name: &str, arguments: &[&str]) {
        let out = format!("--out=shelf/{name}");
        json(self.folder.path(), &[&["train", "--steps=2", &out], arguments].concat());
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends these bytes; everything that is answered.
    fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // A server that has heard enough may close while it is written to.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A request with these header lines; status and body.
    fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let answer = self.raw(
            format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}").as_bytes(),
        );
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, if head.contains("chunked") { unchunked(body) } else { body.to_string() })
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.request("GET", path, &format!("Host: {}\r\n", self.address), "")
    }

    fn ask(&self, what: &str, body: &Value) -> (u16, String) {
        let headers =
            format!("Host: {0}\r\nOrigin: http://{0}\r\nContent-Type: application/json\r\n", self.address);
        self.request("POST", &format!("/ask/{what}"), &headers, &body.to_string())
    }

    fn asked(&self, what: &str, body: &Value) -> Value {
        let (status, text) = self.ask(what, body);
        assert_eq!(status, 200, "{what} {body}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// What is wrong, in words.
    fn refused(&self, what: &str, body: &Value) -> String {
        let (status, text) = self.ask(what, body);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let error = &lines.last().unwrap()["error"];
        assert!(error.is_object(), "{what} {body}: {status} {text}");
        format!("{}, {}: {}", error["what"], error["place"], error["remedy"]).replace('"', "")
    }

    fn lines(&self, what: &str, body: &Value) -> Vec<Value> {
        let (status, text) = self.ask(what, body);
        assert_eq!(status, 200, "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// The body that was sent in chunks.
fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        if length == 0 {
            break;
        }
        whole.push_str(&rest[..length]);
        body = &rest[length + 2..];
    }
    whole
}

fn paint(more: Value) -> Value {
    let mut request = body!({ "model": "model", "n": 2, "sampler": "ddim", "steps": 3, "seed": 5 });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

#[test]
fn what_the_page_paints_has_the_bits_of_the_command() {
    let studio = Studio::open();
    let lines = studio.lines("paint", &paint(body!({ "class": "3" })));
    let kinds: Vec<_> = lines.iter().map(|line| line["line"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["begin", "step", "step", "step", "end"]);
    assert_eq!(lines[0]["shape"], body!([1, 8, 8]));
    assert_eq!(lines[1]["x"].as_str().unwrap().len(), (2usize * 64).div_ceil(3) * 4);
    let folder = studio.folder.path();
    let said = tweedie(
        folder,
        &[
            "sample",
            "shelf/model",
            "--n=2",
            "--sampler=ddim",
            "--steps=3",
            "--seed=5",
            "--class=3",
            "--raw=x.safetensors",
            "--out=x.png",
        ],
    );
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let raw = crate::run::tensor_x(folder.join("x.safetensors"));
    assert_eq!(lines[4]["digest"], tweedie_train::picture_digest(&raw));
}

#[test]
fn every_question_has_its_answer() {
    let studio = Studio::open();
    let (status, page) = studio.get("/");
    assert!(status == 200 && page.contains("tweedie studio"));
    assert_eq!(studio.get("/style.css").0, 200);
    assert_eq!(studio.get("/none.js").0, 404);
    let items = studio.asked("shelf", &body!({}))["items"].clone();
    assert_eq!(items, body!([{ "name": "model", "kind": "run", "training": false, "paints": true }]));
    let model = studio.asked("model", &body!({ "name": "model" }));
    assert!(
        model["classes"].as_array().unwrap().len() == 10 && model["samplers"].as_array().unwrap().len() > 15
    );
    let schedule =
        studio.asked("schedule", &body!({ "schedule": { "kind": "cosine" }, "data_variance": 0.5 }));
    assert!(schedule["alpha_bar"].as_array().unwrap().len() > 100);
    let drown = studio
        .asked("drown", &body!({ "schedule": {}, "drawn": "glyphs", "picture": 7, "t": [1, 500, 1000] }));
    assert_eq!(drown["times"].as_array().unwrap().len(), 3);
    let inside = studio.asked("inside", &body!({ "name": "model" }));
    let layers = inside["trace"]["layers"].as_array().unwrap();
    let parameters: u64 = layers.iter().map(|layer| layer["parameters"].as_u64().unwrap()).sum();
    assert_eq!(model["parameters"], parameters);
    let kept: std::collections::HashMap<u64, u64> = inside["tape"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|node| node["saved"].as_array().unwrap())
        .filter(|saved| saved["is_weight"] == false)
        .map(|saved| (saved["identity"].as_u64().unwrap(), saved["bytes"].as_u64().unwrap()))
        .collect();
    assert_eq!(inside["trace"]["saved_bytes"], kept.values().sum::<u64>());
    let table = |fault: &str| {
        studio.asked(
            "verify",
            &body!({ "schedule": "linear", "timesteps": 100, "fault": fault, "share": 0.01 }),
        )
    };
    assert_eq!(table("none")["failed"], 0);
    assert!(table("half")["failed"].as_u64().unwrap() > 0);
}

#[test]
fn a_part_is_repainted_and_seeds_are_joined() {
    let studio = Studio::open();
    let base64 = |bytes: &[u8]| {
        // Bytes that are multiples of three, so that no padding is needed.
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for three in bytes.chunks(3) {
            let number =
                three.iter().chain([0, 0].iter()).take(3).fold(0u32, |sum, &byte| sum << 8 | u32::from(byte));
            for i in 0..4 {
                let letter = LETTERS[(number >> (18 - 6 * i) & 63) as usize] as char;
                text.push(if i > three.len() { '=' } else { letter });
            }
        }
        text
    };
    let picture: Vec<u8> = (0..64).map(|i| i * 3).collect();
    let mask: Vec<u8> = (0..64).map(|i| u8::from(i < 32)).collect();
    let fill = body!({ "picture": base64(&picture), "mask": base64(&mask) });
    let lines = studio.lines("paint", &paint(body!({ "n": 1, "fill": fill })));
    let painted = lines.last().unwrap()["pictures"].as_str().unwrap().to_string();
    // The second half of the picture, 32 bytes on, is what it was: from byte 33 on, texts agree in whole groups.
    assert_eq!(painted[44..], base64(&picture)[44..]);
    assert_ne!(painted[..40], base64(&picture)[..40]);
    let short = body!({ "picture": base64(&picture), "mask": base64(&mask[..32]) });
    let why = studio.refused("paint", &paint(body!({ "n": 1, "fill": short })));
    assert!(why.starts_with("32 bytes where the model needs 64, mask"), "{why}");

    let between = studio.lines("paint", &paint(body!({ "n": 3, "to_seed": 9, "class": "1" })));
    let one = |seed: u64| studio.lines("paint", &paint(body!({ "n": 1, "seed": seed, "class": "1" })));
    let start = |lines: &[Value]| lines.last().unwrap()["pictures"].as_str().unwrap()[..80].to_string();
    assert_eq!(start(&between), start(&one(5)));
}

#[test]
fn others_are_refused() {
    let studio = Studio::open();
    let own = &studio.address;
    for (headers, expected) in [
        ("Host: evil.example\r\n".to_string(), 403),
        (String::new(), 403),
        (format!("Host: {own}\r\nOrigin: http://evil.example\r\nContent-Type: application/json\r\n"), 403),
        (format!("Host: {own}\r\nOrigin: null\r\nContent-Type: application/json\r\n"), 403),
        (format!("Host: {own}\r\nSec-Fetch-Site: cross-site\r\nContent-Type: application/json\r\n"), 403),
        (format!("Host: {own}\r\nContent-Type: text/plain\r\n"), 415),
        (format!("Host: {own}\r\nContent-Type: application/json\r\n"), 200),
    ] {
        let (status, text) = studio.request("POST", "/ask/shelf", &headers, "{}");
        assert_eq!(status, expected, "{headers}: {text}");
    }
    let head = studio.raw(format!("GET / HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n").as_bytes());
    assert!(head.contains("content-security-policy: default-src 'none'") && head.contains("nosniff"));
}

#[test]
fn nonsense_is_survived() {
    let studio = Studio::open();
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(200_000));
    for nonsense in [
        &b""[..],
        b"\0\x01\x02\xff",
        b"GET",
        b"\r\n\r\n\r\n",
        b"POST /ask/paint HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        long.as_bytes(),
    ] {
        let mut stream = studio.connect();
        let _ = stream.write_all(nonsense);
    }
    for wrong in [
        "",
        "{",
        "[]",
        "null",
        "{\"name\":1}",
        "{\"name\":\"model\",\"more\":1}",
        "\u{7f}",
        &format!("[{}", "[".repeat(100_000)),
    ] {
        let headers = format!("Host: {}\r\nContent-Type: application/json\r\n", studio.address);
        for what in [
            "model",
            "paint",
            "activations",
            "run/follow",
            "run/grid",
            "run/begin",
            "run/stop",
            "verify",
            "drown",
        ] {
            let (status, text) = studio.request("POST", &format!("/ask/{what}"), &headers, wrong);
            assert_eq!(status, 400, "{what} {wrong:.20}: {text}");
        }
    }
    let large = studio.request(
        "POST",
        "/ask/paint",
        &format!("Host: {}\r\nContent-Type: application/json\r\n", studio.address),
        &"x".repeat(5 << 20),
    );
    assert_eq!(large.0, 413);
    for (asked, why) in [
        (paint(body!({ "model": "../model" })), "there is no such run or model any more, ../model"),
        (paint(body!({ "model": "none" })), "there is no such run or model any more, none"),
        (paint(body!({ "n": 0 })), "0 is out of range, pictures"),
        (paint(body!({ "n": 1_000_000 })), "1000000 is out of range, pictures"),
        (paint(body!({ "steps": 100_000 })), "100000 is out of range, steps"),
        (paint(body!({ "class": "cat" })), ""),
        (paint(body!({ "caption": "a red circle" })), "the model reads no captions"),
        (paint(body!({ "guidance": -1.0 })), "-1 leads away"),
    ] {
        let said = studio.refused("paint", &asked);
        assert!(said.starts_with(why), "{asked}: {said}");
    }
    let why = studio.refused(
        "drown",
        &body!({ "schedule": { "timesteps": 1_000_000_000 }, "drawn": "glyphs", "picture": 0, "t": [1] }),
    );
    assert!(why.starts_with("1000000000 steps are more than the page draws"), "{why}");
    assert_eq!(studio.asked("shelf", &body!({}))["items"].as_array().unwrap().len(), 1);
}

/// A page that follows a run, its lines as they come.
fn followed(studio: &Studio, name: &str) -> impl Iterator<Item = Value> + use<> {
    let mut stream = studio.connect();
    let text = body!({ "name": name }).to_string();
    write!(
        stream,
        "POST /ask/run/follow HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
        studio.address,
        text.len()
    )
    .unwrap();
    BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str(&line).ok())
        .filter(Value::is_object)
}

#[test]
fn a_run_is_resumed_followed_and_ends_with_the_studio() {
    let mut studio = Studio::open();
    let why = studio.refused("run/begin", &body!({ "name": "model", "data": "glyphs" }));
    assert!(why.starts_with("there is a run of this name already"), "{why}");
    for name in ["../elsewhere", "", "a/b"] {
        let why = studio.refused("run/begin", &body!({ "name": name, "data": "glyphs" }));
        assert!(why.contains("is no name for a run"), "{why}");
    }
    let why = studio.refused("run/stop", &body!({ "name": "model" }));
    assert!(why.starts_with("nobody trains it"), "{why}");

    let mut lines = followed(&studio, "model");
    assert_eq!(lines.next().unwrap()["line"], "begin");
    studio.asked("run/resume", &body!({ "name": "model", "steps": 1_000_000 }));
    let why = studio.refused("run/resume", &body!({ "name": "model", "steps": 1_000_000 }));
    assert!(why.starts_with("the run is being trained"), "{why}");
    // A page that goes away in the middle changes nothing.
    drop(studio.connect());
    let is_later = |line: &Value| {
        line["lines"].as_array().is_some_and(|all| all.iter().any(|line| line["step"].as_u64() > Some(10)))
    };
    assert!(lines.any(|line| is_later(&line)));
    let painted = studio.lines("paint", &paint(body!({})));
    assert_eq!(painted.last().unwrap()["line"], "end");

    let killed = Command::new("kill").args(["-TERM", &studio.child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(studio.child.wait().unwrap().code(), Some(0));
    let run = json(studio.folder.path(), &["inspect", "run", "shelf/model"]);
    assert!(run["newest_whole"].as_u64() > Some(10) && run["held_by"].is_null(), "{run}");
}

#[test]
fn a_run_that_cannot_begin_says_why_and_one_that_disappears_does_no_harm() {
    let studio = Studio::open();
    studio.asked("run/begin", &body!({ "name": "lost", "data": "/no/such/folder" }));
    let told = |line: &Value| {
        line["process"]["ended"] == 1 && line["process"]["said"].to_string().contains("error: ")
    };
    assert!(followed(&studio, "lost").any(|line| told(&line)));
    let mut lines = followed(&studio, "model");
    assert_eq!(lines.next().unwrap()["line"], "begin");
    std::fs::remove_dir_all(studio.folder.path().join("shelf/model")).unwrap();
    assert!(studio.refused("paint", &paint(body!({}))).starts_with("there is no such run"));
    assert_eq!(studio.asked("shelf", &body!({}))["items"], body!([]));
}

#[test]
fn files_that_are_no_model_are_named() {
    let studio = Studio::open();
    let shelf = studio.folder.path().join("shelf");
    std::fs::write(shelf.join("broken.safetensors"), b"nonsense").unwrap();
    std::fs::create_dir(shelf.join("folder")).unwrap();
    std::fs::write(shelf.join("folder/config.json"), b"{}").unwrap();
    for name in ["broken.safetensors", "folder"] {
        let why = studio.refused("model", &body!({ "name": name }));
        assert!(why.contains(name), "{why}");
    }
    // A checkpoint that is replaced is read again.
    let before = studio.lines("paint", &paint(body!({})));
    let said = tweedie(
        Path::new("/"),
        &["train", "--resume", "--steps=6", "--out", &shelf.join("model").display().to_string(), "--quiet"],
    );
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let after = studio.lines("paint", &paint(body!({})));
    assert_ne!(before.last().unwrap()["digest"], after.last().unwrap()["digest"]);
}

#[test]
fn a_port_in_use_and_an_open_address_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("--port={}", taken.local_addr().unwrap().port());
    for (arguments, why) in [
        (&["studio", &port][..], "is in use, --port: give another"),
        (&["studio", "--host=0.0.0.0"][..], "can be reached by others"),
        (&["studio", "nowhere"][..], "no such file or folder, nowhere"),
    ] {
        let said = tweedie(folder.path(), arguments);
        assert!(
            said.status == Some(1) && said.stderr.contains(why) && said.stderr.lines().count() == 1,
            "{said:?}"
        );
    }
}
