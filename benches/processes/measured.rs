//! What the run came to.

use std::{
    error::Error,
    io::{Read, Write},
    net::TcpStream,
    process::Output,
};

use hubspot_partner_clients::simulator::RecordedRequest;

/// When the calls of a process ended, as it printed them.
pub fn ends(output: Output) -> Result<Vec<u64>, Box<dyn Error>> {
    if !output.status.success() {
        return Err(format!("a process ended with {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

pub fn report(processes: u32, took: f64, cpu: f64, allowance: u32, mut ends: Vec<u64>, requests: &[RecordedRequest]) {
    let permits = ends.len();
    println!("{processes} processes, {took:.1} s: {permits} permits, {:.0} a second", permits as f64 / took);
    println!("Redis: {:.1} % of a core", 100.0 * cpu / took);
    if allowance == 0 {
        return;
    }
    // A place is free again after ten seconds: what passes until it is taken is lost.
    ends.sort_unstable();
    let again = ends.iter().skip(allowance as usize).zip(&ends);
    let cycles: Vec<u64> = again.map(|(later, earlier)| later - earlier).collect();
    let cycle = cycles.iter().sum::<u64>() as f64 / cycles.len().max(1) as f64;
    println!("allowance: {:.2} % used, as a place is taken again after {cycle:.0} ms", 1_000_000.0 / cycle);
    let (tokens, calls): (Vec<_>, Vec<_>) = requests.iter().partition(|r| r.path().starts_with("/oauth/"));
    let refused = calls.iter().filter(|request| request.status() == Some(429)).count();
    println!("429s: {refused} of {}, {:.3} %", calls.len(), 100.0 * refused as f64 / calls.len() as f64);
    println!("refreshes of the token: {}", tokens.len());
}

/// The seconds of CPU that Redis has used, for a URL without a password.
pub fn redis_cpu(url: &str) -> Result<f64, Box<dyn Error>> {
    let answer = info(url, "cpu")?;
    let used = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)?.parse::<f64>().ok());
    Ok(used("used_cpu_sys:").unwrap_or_default() + used("used_cpu_user:").unwrap_or_default())
}

/// How many scripts Redis has run.
pub fn redis_scripts(url: &str) -> Result<u64, Box<dyn Error>> {
    let answer = info(url, "commandstats")?;
    let calls =
        answer.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls=")?.split(',').next()?.parse().ok());
    Ok(calls.unwrap_or_default())
}

fn info(url: &str, section: &str) -> Result<String, Box<dyn Error>> {
    let address = url.trim_start_matches("redis://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(format!("INFO {section}\r\nQUIT\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
