//! The HTML report through the program.

use std::fs;

use crate::program::{BAD, Lab};

#[test]
fn the_page_is_written_whole_and_readable_by_its_owner_alone() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    let run = lab.run(&["check", "x.pcapng", "-o", "html=report.html"]);
    assert_eq!(run.code, 1, "{run:#?}");
    let page = fs::read_to_string(lab.path("report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    let printed = lab.run(&["check", "x.pcapng", "--format", "html"]);
    assert_eq!((printed.code, printed.out), (1, page));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(lab.path("report.html")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // What wirelint wrote it may write again.
    assert_eq!(lab.run(&["check", "x.pcapng", "-o", "html=report.html"]).code, 1);
}

#[test]
fn a_hostile_file_name_is_text() {
    let lab = Lab::new();
    let name = "<img src=x onerror=alert(1)>.pcapng";
    lab.sample(BAD, name);
    let page = lab.run(&["check", name, "--format", "html"]).out;
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(!page.contains("<img"));
}
