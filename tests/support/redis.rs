//! A Redis of a test's own.
#![allow(dead_code)]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// A server on a free loopback port, with a folder of its own: `redis-server`, or the program that `REDIS_SERVER` names,
/// such as `valkey-server`. It ends when it is dropped.
pub struct RedisServer {
    child: Child,
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With options such as `--requirepass`.
    pub fn with(options: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("redis-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&folder).unwrap();
        Self::start_at(folder, options.iter().map(|&option| option.to_owned()).collect(), "--port")
    }

    /// With TLS and nothing else, by a certificate for `localhost`, which comes along as PEM.
    pub fn with_tls() -> (Self, String) {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = std::env::temp_dir().join(format!("redis-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("own.crt"), own.cert.pem()).unwrap();
        fs::write(folder.join("own.key"), own.signing_key.serialize_pem()).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        let options = [
            "--port",
            "0",
            "--tls-cert-file",
            &path("own.crt"),
            "--tls-key-file",
            &path("own.key"),
            "--tls-ca-cert-file",
            &path("own.crt"),
            "--tls-auth-clients",
            "no",
        ];
        let options = options.map(str::to_owned).into();
        (Self::start_at(folder, options, "--tls-port"), own.cert.pem())
    }

    fn start_at(folder: PathBuf, options: Vec<String>, port_option: &str) -> Self {
        for _ in 0..20 {
            let port = free_port();
            if let Some(child) = spawn(port, &folder, &options, port_option) {
                return Self { child, port, folder, options };
            }
        }
        panic!("redis-server does not start: {}", log(&folder));
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// With a journal of its own, which survives a restart.
    pub fn durable() -> Self {
        Self::with(&["--appendonly", "yes"])
    }

    /// Takes so many bytes back of what a durable one has kept last, as a crash may; it has to be stopped.
    pub fn lose(&self, bytes: u64) {
        let kept = fs::read_dir(self.folder.join("appendonlydir")).unwrap().map(|file| file.unwrap().path());
        let file = kept.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max().unwrap();
        let file = fs::File::options().write(true).open(file).unwrap();
        let length = file.metadata().unwrap().len();
        assert!(bytes < length, "{bytes} of {length}");
        file.set_len(length - bytes).unwrap();
    }

    /// At the same port; empty unless it is durable.
    pub fn restart(&mut self) {
        self.child = spawn(self.port, &self.folder, &self.options, "--port").expect("the port is still free");
    }

    /// Lets it answer nothing any more, or go on.
    pub fn signal(&self, signal: &str) {
        let kill = format!("kill {signal} {}", self.child.id());
        assert!(Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Redis's answer to a command, as it stands on the wire.
    pub fn command(&self, parts: &[&str]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut text = format!("*{}\r\n", parts.len());
        for part in parts {
            text += &format!("${}\r\n{part}\r\n", part.len());
        }
        stream.write_all((text + "*1\r\n$4\r\nQUIT\r\n").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The number in Redis's answer.
    pub fn number(&self, parts: &[&str]) -> i64 {
        let answer = self.command(parts);
        answer.strip_prefix(':').and_then(|rest| rest.split("\r\n").next()?.parse().ok()).expect(&answer)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Below those that the system gives to others.
pub fn free_port() -> u16 {
    loop {
        let port = fastrand::u16(20_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// None if it ends, as when another program was faster to take the port.
fn spawn(port: u16, folder: &Path, options: &[String], port_option: &str) -> Option<Child> {
    let _ = fs::remove_file(folder.join("log"));
    let program = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
    let mut child = Command::new(program)
        .args([port_option, &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--logfile", "log"])
        .args(options)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests need redis-server: `apt-get install redis-server`");
    let started = Instant::now();
    while !log(folder).contains("Ready to accept connections") {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "redis-server does not listen: {}", log(folder));
        sleep(Duration::from_millis(10));
    }
    Some(child)
}
