import Testing

extension Case {
  /// What is left of a guest's words on a terminal, which tmux makes and is asked about; and what stands on it.
  static let screens: [Case] = [
    onScreen(
      "screen-after-detaching", "rowhouse console one",
      """
      \(detach("one", "echo"))
      open; shows 'echoing until'; change; keys C-a d; shows 'detached from one'; look
      close; rowhouse stop --grace 0 --remove one
      """),
    onScreen(
      "screen-after-the-guests-end", "rowhouse console one",
      """
      \(detach("one", "echo"))
      open; shows 'echoing until'; change; rowhouse stop --grace 0 one; shows 'one: the guest was killed'; look
      close; rowhouse remove one
      """),
    onScreen(
      "screen-after-a-signal", "rowhouse console one",
      """
      \(detach("one", "echo"))
      open; shows 'echoing until'; change; kill -TERM $(child_of $(screens display -p '#{pane_pid}'))
      shows 'status 143'; look; close; rowhouse stop --grace 0 --remove one
      """),
    onScreen(
      "screen-after-a-run", "rowhouse run --name one $GUESTS/echo.elf",
      "open; shows 'echoing until'; change; keys C-a x; shows 'the guest was stopped'; look; close"),
    // Its VMM can undo nothing.
    onScreen(
      "screen-after-a-killed-run", "rowhouse run --name one $GUESTS/echo.elf",
      "open; shows 'echoing until'; change; rowhouse kill one; shows 'the guest was killed'; look; close"),
    // A head, 12 guests, on 8 rows: five of them, and the cursor below.
    Case(
      "screen-of-a-list-that-is-too-long",
      script: """
        \(terminal("rowhouse list --watch", rows: 8))
        for number in 01 02 03 04 05 06 07 08 09 10 11 12; do \(detach("guest$number", "spin")) > said; done
        rowhouse pause --all
        open; shows '7 more'; sleep 2.5; screens capture-pane -p | sed 's/\\(STATE\\|paused\\) .*/\\1/'
        echo "scrolled $(screens display -p '#{history_size}')"
        rowhouse kill guest12; shows '7 more'; rowhouse remove guest12
        shows '6 more'; keys C-c; shows status; screens capture-pane -p | tail -n 3; close
        rowhouse kill --all; rowhouse remove --all; rm said
        """,
      says: [
        """
        NAME     STATE
        guest01  paused
        guest02  paused
        guest03  paused
        guest04  paused
        guest05  paused
        … 7 more guests

        scrolled 0
        … 6 more guests
        ^Cstatus 130
        """
      ], warningLines: 0),
  ]

  /// The guest hides the cursor of an alternate screen, has the mouse reported, and so on. Of the program's end on, the
  /// terminal is as it was.
  private static func onScreen(_ name: String, _ program: String, _ script: String) -> Case {
    let changes =
      #"\e[?1049h\e[?25l\e[?7l\e[?1000;1006h\e[?2004h\e[?1h\e=\e[4h\e[3;10r\e[7;31mchanged"#
    return Case(
      name,
      script: """
        \(terminal(program))
        look() {
          shows status; screens display -p '\(Self.flags)'
          echo "coloured $(screens capture-pane -p -e | grep status | od -c | grep -c 033)"
        }
        change() { rowhouse send one '\(changes)'; shows changed; screens display -p '\(Self.flags)'; }
        \(script)
        """,
      says: ["1 0 1 1 1 1 0 2-9\n", "0 1 0 0 0 0 1 0-11\n", "coloured 0\n"], warningLines: 0)
  }

  private static let flags =
    "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{keypad_cursor_flag} #{keypad_flag} #{insert_flag} #{wrap_flag} "
    + "#{scroll_region_upper}-#{scroll_region_lower}"

  /// Functions for a terminal of 80 columns that a shell has, in which a program is started; the shell says its status.
  private static func terminal(_ program: String, rows: Int = 12) -> String {
    """
    command -v tmux > /dev/null || { echo 'FAILED: there is no tmux'; exit 1; }
    screens() { tmux -L "rowhouse$$" -f /dev/null "$@"; }
    open() {
      screens new-session -d -x 80 -y \(rows) sh -c 'trap : INT; \(program); echo "status $?"; exec sleep 1000'
    }
    shows() {
      tries=0
      until screens capture-pane -p | grep -q -- "$1"; do
        tries=$((tries + 1)); [ $tries -lt 600 ] || { echo "FAILED: no $1"; close; exit 1; }; sleep 0.05
      done
    }
    keys() { screens send-keys "$@"; }
    close() { screens kill-server; }
    """
  }
}
