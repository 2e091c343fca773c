//! `ecgnet serve`: the page from a folder, to this computer only.

use super::error::CommandError;
use super::{print, remark};
use clap::Args;
use percent_encoding::percent_decode_str;
use std::fs::File;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use tiny_http::{Method, Request, Server, StatusCode};

/// Serve the page on this computer
///
/// The page is served to browsers on this computer only. Files whose names begin with a dot, and links that lead out of
/// the folder, are not given out.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  ecgnet serve
  ecgnet serve --port 9000 path/to/ecgnet")]
pub struct Options {
    /// The port; 0 takes any free one
    #[arg(long, default_value_t = 8765)]
    port: u16,
    /// The folder with index.html
    #[arg(default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,
}

/// Requests answered at a time: a slow download does not hold up the others.
const THREADS: usize = 4;

/// The page may load its own files only, and may share memory between its threads.
const HEADERS: [(&str, &str); 7] = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; \
         style-src 'self'; img-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-cache"),
];

pub fn run(options: &Options) -> Result<(), CommandError> {
    let page = Page::open(&options.folder)?;
    let server = listen(options.port)?;
    let port = server.server_addr().to_ip().map_or(options.port, |address| address.port());
    print(format_args!("http://localhost:{port}/"))?;
    remark(format_args!("serving {}; end with Ctrl+C", page.folder.display()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| server.incoming_requests().for_each(|request| answer(&page, request)));
        }
    });
    Ok(())
}

fn listen(port: u16) -> Result<Server, CommandError> {
    Server::http((Ipv4Addr::LOCALHOST, port)).map_err(|error| CommandError::Listen { port, reason: error.to_string() })
}

/// A folder whose files are given out.
#[derive(Debug)]
struct Page {
    /// Without links, so that a file's place in it can be told.
    folder: PathBuf,
}

/// A refusal with its reason.
#[derive(Debug, PartialEq, Eq)]
struct Refusal(u16, &'static str);

const NOT_FOUND: Refusal = Refusal(404, "There is no such file.\n");
const WRONG_METHOD: Refusal = Refusal(405, "Files can only be read.\n");
const WRONG_HOST: Refusal = Refusal(421, "Only pages of this computer are served: call it localhost.\n");

impl Page {
    fn open(folder: &Path) -> Result<Page, CommandError> {
        let folder = folder.canonicalize().map_err(CommandError::read(folder))?;
        let index = folder.join("index.html");
        index.metadata().map_err(CommandError::read(index))?;
        Ok(Page { folder })
    }

    /// The file that a path of an address means.
    fn file(&self, path: &str) -> Result<(PathBuf, File), Refusal> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = percent_decode_str(path).decode_utf8().map_err(|_| NOT_FOUND)?;
        let mut wanted = self.folder.clone();
        let path = path.strip_prefix('/').ok_or(NOT_FOUND)?;
        let path = if path.is_empty() { "index.html" } else { path };
        for name in path.split('/') {
            // This excludes `..` as well.
            if name.is_empty() || name.starts_with('.') || name.contains(['\\', ':', '\0']) {
                return Err(NOT_FOUND);
            }
            wanted.push(name);
        }
        let found = wanted.canonicalize().map_err(|_| NOT_FOUND)?;
        if !found.starts_with(&self.folder) || !found.is_file() {
            return Err(NOT_FOUND);
        }
        let file = File::open(&found).map_err(|_| NOT_FOUND)?;
        Ok((found, file))
    }

    fn find(&self, request: &Request) -> Result<(PathBuf, File), Refusal> {
        if !matches!(request.method(), Method::Get | Method::Head) {
            return Err(WRONG_METHOD);
        }
        let host = request.headers().iter().find(|header| header.field.equiv("Host"));
        if !host.is_some_and(|host| is_this_computer(host.value.as_str())) {
            return Err(WRONG_HOST);
        }
        self.file(request.url())
    }
}

/// A foreign page can make a name of its own mean this computer; the browser still says that name.
fn is_this_computer(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1")
}

fn answer(page: &Page, request: Request) {
    let with_body = *request.method() != Method::Head;
    let found = page.find(&request);
    let writer = request.into_writer();
    let outcome = match found {
        Ok((path, file)) => {
            let content_type = mime_guess::from_path(path).first_or_octet_stream();
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            respond(writer, 200, content_type.essence_str(), length, file.take(if with_body { length } else { 0 }))
        }
        Err(Refusal(status, reason)) => {
            let body = if with_body { reason } else { "" };
            respond(writer, status, "text/plain", reason.len() as u64, body.as_bytes())
        }
    };
    // A browser that has left needs no answer.
    drop(outcome);
}

/// Writes a response after which the browser closes the connection.
///
/// tiny_http would keep it open, and of a burst of connections some may then wait for ever: it counts threads as free that
/// have been given one already.
fn respond(
    mut writer: impl Write,
    status: u16,
    content_type: &str,
    length: u64,
    mut body: impl Read,
) -> std::io::Result<()> {
    let charset = if content_type.starts_with("text/") { "; charset=utf-8" } else { "" };
    write!(writer, "HTTP/1.1 {status} {}\r\n", StatusCode(status).default_reason_phrase())?;
    write!(writer, "Connection: close\r\nContent-Length: {length}\r\nContent-Type: {content_type}{charset}\r\n")?;
    for (name, value) in HEADERS {
        write!(writer, "{name}: {value}\r\n")?;
    }
    writer.write_all(b"\r\n")?;
    std::io::copy(&mut body, &mut writer)?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::sync::Arc;

    /// Serves a folder with some files, beside which lies a secret; answers one request after the other.
    fn serve() -> (tempfile::TempDir, u16) {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("page");
        std::fs::create_dir_all(folder.join("www")).unwrap();
        std::fs::create_dir_all(folder.join(".git")).unwrap();
        for (name, text) in [
            ("page/index.html", "<!doctype html>"),
            ("page/www/a b.js", "1;"),
            ("page/www/x.wasm", "\0asm"),
            ("page/.git/config", "secret"),
            ("secret", "secret"),
        ] {
            std::fs::write(outside.path().join(name), text).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.join("link")).unwrap();
        let page = Page::open(&folder).unwrap();
        let server = Arc::new(listen(0).unwrap());
        let port = server.server_addr().to_ip().unwrap().port();
        std::thread::spawn(move || server.incoming_requests().for_each(|request| answer(&page, request)));
        (outside, port)
    }

    fn ask(port: u16, request_line: &str, host: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        write!(stream, "{request_line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(port: u16, path: &str) -> String {
        ask(port, &format!("GET {path}"), &format!("localhost:{port}"))
    }

    #[test]
    fn files_have_their_type_and_the_headers_of_isolation() {
        let (_folder, port) = serve();
        for (path, content_type, content) in [
            ("/", "text/html; charset=utf-8", "<!doctype html>"),
            ("/index.html?x=1", "text/html; charset=utf-8", "<!doctype html>"),
            ("/www/a%20b.js", "text/javascript; charset=utf-8", "1;"),
            ("/www/x.wasm", "application/wasm", "\0asm"),
        ] {
            let answer = get(port, path);
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(content), "{path}: {answer}");
            for header in [&format!("Content-Type: {content_type}\r\n"), "Cross-Origin-Opener-Policy: same-origin\r\n"]
            {
                assert!(answer.contains(header), "{path} without {header}: {answer}");
            }
        }
    }

    #[test]
    fn nothing_outside_or_hidden_is_given_out() {
        let (_folder, port) = serve();
        for path in [
            "/../secret",
            "/%2e%2e/secret",
            "/www/../../secret",
            "/..%2fsecret",
            "/www%5c..%5c..%5csecret",
            "//etc/passwd",
            "/.git/config",
            "/%2egit/config",
            "/link",
            "/www",
            "/www/",
            "/x%00",
            "/%ff",
            "/none",
        ] {
            let answer = get(port, path);
            assert!(answer.starts_with("HTTP/1.1 404 ") && !answer.contains("secret"), "{path}: {answer}");
        }
    }

    #[test]
    fn only_reading_and_only_by_this_computers_name() {
        let (_folder, port) = serve();
        assert!(ask(port, "POST /", "localhost").starts_with("HTTP/1.1 405 "));
        assert!(ask(port, "GET /", "127.0.0.1").starts_with("HTTP/1.1 200 "));
        assert!(ask(port, "GET /", &format!("elsewhere.example:{port}")).starts_with("HTTP/1.1 421 "));
        let head = ask(port, "HEAD /", "localhost");
        assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    }

    #[test]
    fn a_folder_without_a_page_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Page::open(folder.path()), Err(CommandError::Read { .. })));
        assert!(matches!(Page::open(&folder.path().join("none")), Err(CommandError::Read { .. })));
    }
}
