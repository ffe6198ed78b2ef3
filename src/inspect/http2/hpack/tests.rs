use std::panic::catch_unwind;

use proptest::prelude::*;

use super::*;

/// A field as the tests compare it: name, value, never indexed.
type Line = (Vec<u8>, Option<Vec<u8>>, bool);

#[derive(Default)]
struct All(Vec<Line>);

impl Sink for All {
    type Note = ();
    fn wants(&self, _: HeaderName) -> usize {
        usize::MAX
    }
    fn knows(&mut self, _: HeaderName, _: &[u8]) -> bool {
        false
    }
    fn field(&mut self, field: &Field<'_>) -> Option<()> {
        let value = field.value.map(<[u8]>::to_vec);
        self.0.push((field.name_text.to_vec(), value, field.never_indexed));
        None
    }
    fn again(&mut self, (): ()) {}
}

/// Takes only values whose names matter, with the names as they are known.
#[derive(Default)]
struct Wanted(Vec<(HeaderName, Option<Vec<u8>>)>);

impl Sink for Wanted {
    type Note = ();
    fn wants(&self, name: HeaderName) -> usize {
        if name == HeaderName::Other { 0 } else { usize::MAX }
    }
    fn knows(&mut self, _: HeaderName, _: &[u8]) -> bool {
        false
    }
    fn field(&mut self, field: &Field<'_>) -> Option<()> {
        if field.name != HeaderName::Other {
            self.0.push((field.name, field.value.map(<[u8]>::to_vec)));
        }
        None
    }
    fn again(&mut self, (): ()) {}
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(16)).map(|d| u8::try_from(d).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn begun() -> Decoder<()> {
    let mut decoder = Decoder::default();
    decoder.begin();
    decoder
}

fn read(decoder: &mut Decoder<()>, block: &[u8]) -> Result<Vec<Line>, Malformed> {
    let mut all = All::default();
    decoder.decode(block, &mut all).map(|()| all.0)
}

/// Reads a block and writes its fields one a line.
fn shown(decoder: &mut Decoder<()>, block: &str) -> String {
    let lines = read(decoder, &hex(block)).unwrap();
    let show = |(name, value, never): &Line| {
        let value = value.as_ref().map_or("?".into(), |value| String::from_utf8_lossy(value));
        format!("{}: {value}{}", String::from_utf8_lossy(name), if *never { " !" } else { "" })
    };
    lines.iter().map(show).collect::<Vec<_>>().join("\n")
}

/// Oldest first.
fn table(decoder: &Decoder<()>) -> Vec<String> {
    let newest_first = (62..).map_while(|index| decoder.table.field(index).ok());
    let show = |indexed: Indexed<'_, ()>| match indexed {
        Indexed::Field(field) => format!(
            "{}: {}",
            String::from_utf8_lossy(field.name_text),
            String::from_utf8_lossy(field.value.unwrap_or_default())
        ),
        Indexed::Noted(()) | Indexed::Unwanted => "not given".to_owned(),
    };
    newest_first.map(show).collect()
}

#[test]
fn rfc_7541_c_1_integers() {
    assert_eq!(Reader::new(&[0b1110_1010]).integer(5), Ok(10));
    assert_eq!(Reader::new(&[0b1111_1111, 0b1001_1010, 0b0000_1010]).integer(5), Ok(1337));
    assert_eq!(Reader::new(&[0b0010_1010]).integer(8), Ok(42));
}

#[test]
fn integers_that_are_too_large_or_end_early_are_refused() {
    let refused = |bytes: &[u8]| assert_eq!(Reader::new(bytes).integer(7), Err(Malformed));
    refused(&[]);
    refused(&[0x7f]);
    refused(&[0x7f, 0x80]);
    refused(&[0x7f, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    refused(&[0x7f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]);
    refused(&[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
}

#[test]
fn rfc_7541_c_2_single_fields() {
    let block = "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572";
    let mut decoder = begun();
    assert_eq!(shown(&mut decoder, block), "custom-key: custom-header");
    assert_eq!(table(&decoder), ["custom-key: custom-header"]);

    let mut decoder = begun();
    assert_eq!(shown(&mut decoder, "040c 2f73 616d 706c 652f 7061 7468"), ":path: /sample/path");
    assert!(table(&decoder).is_empty());

    let block = "1008 7061 7373 776f 7264 0673 6563 7265 74";
    assert_eq!(shown(&mut decoder, block), "password: secret !");
    assert!(table(&decoder).is_empty());

    assert_eq!(shown(&mut decoder, "82"), ":method: GET");
}

fn rfc_requests(blocks: [&str; 3]) {
    let mut decoder = begun();
    assert_eq!(
        shown(&mut decoder, blocks[0]),
        ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com"
    );
    assert_eq!(
        shown(&mut decoder, blocks[1]),
        ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\ncache-control: no-cache"
    );
    assert_eq!(
        shown(&mut decoder, blocks[2]),
        ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value"
    );
    let entries =
        ["custom-key: custom-value", "cache-control: no-cache", ":authority: www.example.com"];
    assert_eq!(table(&decoder), entries);
    assert_eq!(decoder.table.size(), 164);
}

#[test]
fn rfc_7541_c_3_requests() {
    rfc_requests([
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ]);
}

#[test]
fn rfc_7541_c_4_requests_in_huffman_code() {
    rfc_requests([
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ]);
}

fn rfc_responses(blocks: [&str; 3]) {
    let mut decoder = begun();
    decoder.table.resize(256);
    assert_eq!(
        shown(&mut decoder, blocks[0]),
        ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n\
         location: https://www.example.com"
    );
    assert_eq!(decoder.table.size(), 222);
    assert_eq!(
        shown(&mut decoder, blocks[1]),
        ":status: 307\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n\
         location: https://www.example.com"
    );
    assert_eq!(decoder.table.size(), 222);
    let cookie = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
    assert_eq!(
        shown(&mut decoder, blocks[2]),
        format!(
            ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\n\
             location: https://www.example.com\ncontent-encoding: gzip\nset-cookie: {cookie}"
        )
    );
    assert_eq!(
        table(&decoder),
        [
            format!("set-cookie: {cookie}"),
            "content-encoding: gzip".into(),
            "date: Mon, 21 Oct 2013 20:13:22 GMT".into(),
        ]
    );
    assert_eq!(decoder.table.size(), 215);
}

#[test]
fn rfc_7541_c_5_responses_with_eviction() {
    rfc_responses([
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 \
         303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 \
         677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 \
         553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
    ]);
}

#[test]
fn rfc_7541_c_6_responses_in_huffman_code_with_eviction() {
    rfc_responses([
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e \
         919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 \
         821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed \
         4ee5 b106 3d50 07",
    ]);
}

#[test]
fn an_index_into_the_unseen_part_of_a_table_is_unknown_and_reading_goes_on() {
    let mut late = Decoder::default();
    // Index 63 was inserted before the capture began; the block inserts one field of its own, then names both.
    assert_eq!(shown(&mut late, "82 bf 4001 6101 62 be bf"), ":method: GET\n: ?\na: b\na: b\n: ?");
    // A new value for a name that is unknown makes an entry whose value is known.
    assert_eq!(shown(&mut late, "7f00 0163 be bf"), ": c\n: c\na: b");
}

#[test]
fn an_index_behind_the_end_of_a_complete_table_is_malformed_and_leaves_it_unknown() {
    let mut decoder = begun();
    assert_eq!(shown(&mut decoder, "4001 6101 62 be"), "a: b\na: b");
    assert_eq!(read(&mut decoder, &hex("bf")), Err(Malformed));
    assert_eq!(shown(&mut decoder, "be"), ": ?", "what was there before is not trusted");
    assert_eq!(read(&mut decoder, &hex("80")), Err(Malformed), "index 0 is none");
}

#[test]
fn a_table_that_was_emptied_is_complete_again() {
    let mut late = Decoder::default();
    assert_eq!(shown(&mut late, "20 3f e11f 4001 6101 62 be"), "a: b\na: b");
    assert_eq!(read(&mut late, &hex("bf")), Err(Malformed));
}

#[test]
fn a_table_never_outgrows_its_bound() {
    let mut late = Decoder::default();
    let mut block = vec![0x3f, 0xe0, 0xff, 0xff, 0xff, 0x0f];
    for n in 0..200_u32 {
        let value = [b'v'; 1000];
        block.extend([0x40, 4]);
        block.extend(n.to_be_bytes());
        block.extend([0x7f, 0xe9, 0x06]);
        block.extend(value);
    }
    assert_eq!(read(&mut late, &block).map(|lines| lines.len()), Ok(200));
    assert!(late.table.size() <= crate::model::limits::HPACK_TABLE);
}

#[test]
fn an_entry_larger_than_the_table_empties_it() {
    let mut decoder = begun();
    assert_eq!(shown(&mut decoder, "3f05 4001 6101 62"), "a: b");
    assert_eq!(shown(&mut decoder, "4005 6161 6161 6101 62"), "aaaaa: b");
    assert_eq!(decoder.table.size(), 0);
}

#[test]
fn a_table_prints_no_values() {
    let mut decoder = begun();
    shown(&mut decoder, "4006 7365 6372 6574 0568 756e 7465");
    let printed = format!("{:?}", decoder.table);
    assert!(!printed.contains("secret") && !printed.contains("hunte"), "{printed}");
}

fn header_lists() -> impl Strategy<Value = Vec<Vec<(Vec<u8>, Vec<u8>)>>> {
    let name = prop_oneof![
        Just(b":path".to_vec()),
        Just(b"content-type".to_vec()),
        Just(b"grpc-status".to_vec()),
        "[a-z-]{1,12}".prop_map(String::into_bytes),
    ];
    let value = prop_oneof![
        Just(b"application/grpc".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..200),
    ];
    let list = proptest::collection::vec((name, value), 0..12);
    proptest::collection::vec(list, 1..12)
}

proptest! {
    #![proptest_config(crate::inspect::feeder::seeded())]

    #[test]
    fn what_another_encoder_wrote_is_read_back(lists in header_lists()) {
        let mut encoder = fluke_hpack::Encoder::new();
        let mut decoder = begun();
        for list in lists {
            let block = encoder.encode(list.iter().map(|(n, v)| (&n[..], &v[..])));
            let lines = read(&mut decoder, &block).unwrap();
            let lines: Vec<_> = lines.into_iter().map(|(n, v, _)| (n, v.unwrap())).collect();
            prop_assert_eq!(lines, list);
        }
    }

    #[test]
    fn what_nobody_wants_changes_nothing_of_the_rest(lists in header_lists()) {
        let mut encoder = fluke_hpack::Encoder::new();
        let mut decoder = begun();
        for list in lists {
            let block = encoder.encode(list.iter().map(|(n, v)| (&n[..], &v[..])));
            let mut some = Wanted::default();
            decoder.decode(&block, &mut some).unwrap();
            let named = list.into_iter().map(|(name, value)| (HeaderName::of(&name), Some(value)));
            let wanted: Vec<_> = named.filter(|(name, _)| *name != HeaderName::Other).collect();
            prop_assert_eq!(some.0, wanted);
        }
    }

    #[test]
    fn any_bytes_are_survived_and_read_as_another_decoder_reads_them(
        blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..6),
    ) {
        let mut ours = begun();
        let mut theirs = fluke_hpack::Decoder::new();
        for block in blocks {
            let mine = read(&mut ours, &block);
            let other = catch_unwind(std::panic::AssertUnwindSafe(|| theirs.decode(&block)));
            let (Ok(mine), Ok(Ok(other))) = (mine, other) else { break };
            let mine: Vec<_> = mine.into_iter().map(|(n, v, _)| (n, v.unwrap_or_default())).collect();
            prop_assert_eq!(mine, other);
        }
    }

    #[test]
    fn joining_late_never_gives_a_wrong_field(lists in header_lists(), missed in 0_usize..6) {
        let mut encoder = fluke_hpack::Encoder::new();
        let mut late = Decoder::default();
        for (n, list) in lists.into_iter().enumerate() {
            let block = encoder.encode(list.iter().map(|(n, v)| (&n[..], &v[..])));
            if n < missed {
                continue;
            }
            let lines = read(&mut late, &block).unwrap();
            prop_assert_eq!(lines.len(), list.len());
            for ((name, value, _), (true_name, true_value)) in lines.iter().zip(&list) {
                prop_assert!(name.is_empty() || name == true_name);
                prop_assert!(value.is_none() || value.as_ref() == Some(true_value));
            }
        }
    }
}

/// Numbers the fields that it is given, and is told the number when one comes again.
#[derive(Default)]
struct Numbers {
    given: u32,
    told: Vec<u32>,
    entries: Vec<EntryNo>,
}

impl Sink for Numbers {
    type Note = u32;
    fn wants(&self, _: HeaderName) -> usize {
        usize::MAX
    }
    fn knows(&mut self, _: HeaderName, _: &[u8]) -> bool {
        false
    }
    fn field(&mut self, field: &Field<'_>) -> Option<u32> {
        self.given += 1;
        self.entries.extend(field.entry);
        (field.value != Some(b"unnoted")).then_some(self.given)
    }
    fn again(&mut self, note: u32) {
        self.told.push(note);
    }
}

fn insert(value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).unwrap();
    [&[0x40, 1], &b"n"[..], &[length(value)], value.as_bytes()].concat()
}

#[test]
fn of_a_field_that_comes_again_only_its_note_is_told() {
    let (mut decoder, mut numbers) = (Decoder::default(), Numbers::default());
    decoder.begin();
    decoder.decode(&[insert("a"), insert("b"), vec![0xbf, 0xbe]].concat(), &mut numbers).unwrap();
    assert_eq!((numbers.given, &*numbers.told), (2, &[1, 2][..]));
    decoder.decode(&[insert("c"), vec![0xc0]].concat(), &mut numbers).unwrap();
    assert_eq!((numbers.given, &*numbers.told), (3, &[1, 2, 1][..]), "its index has changed");
}

#[test]
fn notes_can_be_made_later_and_go_with_their_entries() {
    let (mut decoder, mut numbers) = (Decoder::default(), Numbers::default());
    decoder.begin();
    decoder.decode(&[insert("unnoted"), vec![0xbe]].concat(), &mut numbers).unwrap();
    assert_eq!((numbers.given, numbers.told.len()), (2, 0));
    let entry = numbers.entries[0];
    decoder.note(entry, 77);
    decoder.decode(&[0xbe], &mut numbers).unwrap();
    assert_eq!((numbers.given, &*numbers.told), (2, &[77][..]));
    // The table is emptied; what is put there next is another entry.
    decoder
        .decode(&[vec![0x20, 0x3f, 0xe1, 0x1f], insert("unnoted")].concat(), &mut numbers)
        .unwrap();
    decoder.note(entry, 78);
    decoder.decode(&[0xbe], &mut numbers).unwrap();
    assert_eq!((numbers.given, &*numbers.told), (4, &[77][..]), "a note for an entry that is gone");
}

#[test]
fn an_entry_that_nobody_wants_is_not_given_when_it_comes_again() {
    let (mut decoder, mut wanted) = (begun(), Wanted::default());
    let length = |text: &str| u8::try_from(text.len()).unwrap();
    let literal = |name: &str| [&[0x40, length(name)], name.as_bytes(), &[1], b"1"].concat();
    let block = [literal("x-nothing"), literal("grpc-status"), vec![0xbf, 0xbe]].concat();
    decoder.decode(&block, &mut wanted).unwrap();
    let status = (HeaderName::GrpcStatus, Some(b"1".to_vec()));
    assert_eq!(wanted.0, [status.clone(), status]);
}
