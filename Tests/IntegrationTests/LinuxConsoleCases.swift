import Foundation
import Testing

extension Case {
  /// Two people at a Debian guest's console, each on a terminal that tmux draws: what they see is compared screen by
  /// screen.
  static let linuxConsole: [Case] = [
    Case(
      onTerminals: "console-of-debian",
      script: """
        rowhouse run --detach --name one $LINUX/vmlinuz-6.12 --initrd $LINUX/initramfs-6.12.cpio.gz --timeout 150 \\
          -- console=ttyS0 quiet panic=-1 || exit
        rowhouse expect one '# ' --timeout 100 > said || { echo no prompt; rowhouse logs one; exit 1; }; rm said

        open first 80 24; shows first attached; open second 80 24; shows second attached
        keys first 'echo one$((1 + 1))three' Enter; shows first '^one2three'; shows second '^one2three'
        keys second x; shows second 'not typed: another writes'
        keys second C-a w; shows first 'another has taken over'
        keys second 'echo four$((2 + 3))six' Enter; shows second '^four5six'; shows first '^four5six'
        echo both see both

        screens resize-window -t first -x 100 -y 30
        keys first C-a w; shows second 'another has taken over'
        keys first C-a r; shows first 'stty rows 30 columns 100'
        keys first clear Enter; await_clear first
        keys first 'stty size; seq 5' Enter; shows first '^30 100'; shows first '^/ #$'; shows second '^/ #$'
        screen first > wide; screen second > narrow; cmp wide narrow && echo same screens

        keys second C-a d; shows second 'detached from one, which goes on'; shows second 'left with status 0'
        # The guest's shell asks the terminal where its cursor is. One that may not write does not answer.
        open third 100 30 --read-only; shows third '^/ #$'
        screen third > again; cmp wide again && echo same after replay
        rowhouse list | grep -c '^one  *running .* 2  *-$'
        cat wide

        # The one who detached comes back, sees what was said meanwhile, and types again.
        keys first clear Enter; await_clear first
        keys first 'echo seven$((4 + 4))nine; seq 3' Enter; shows first '^seven8nine'; shows first '^/ #$'
        open back 100 30; shows back '^seven8nine'; shows back '^/ #$'
        screen first | grep -v rowhouse: > stayed; screen back | grep -v rowhouse: > returned
        keys back C-a w; shows first 'another has taken over'
        keys back 'echo ten$((5 + 6))twelve' Enter; shows back '^ten11twelve'; shows first '^ten11twelve'
        cmp stayed returned && echo back with all of it

        rowhouse stop one --grace 1; rowhouse wait one; echo "status $?"
        for window in first third back; do shows $window 'rowhouse: one: the guest was killed'; done; echo all are told
        rowhouse logs one | grep -c '^one2three'
        rowhouse remove one; screens kill-server; rm -r wide narrow again stayed returned tmux
        """,
      says: [
        "one\n", "both see both\n", "same screens\n", "same after replay\n", "1\n",
        "30 100\n1\n2\n3\n4\n5\n", "back with all of it\n", "status 137\n", "all are told\n", "1\n",
      ]),
    // A virtio console has a window, that of the viewer who writes, and its programs hear of each change.
    Case(
      onTerminals: "window-of-debian-on-a-virtio-console",
      script: """
        rowhouse run --detach --name one $LINUX/vmlinuz-6.12 --initrd $LINUX/initramfs-6.12.cpio.gz \\
          --console-device virtio --timeout 150 -- console=ttyS0 console=hvc0 quiet panic=-1 || exit
        rowhouse expect one '# ' --timeout 100 > said || { echo no prompt; rowhouse logs one; exit 1; }; rm said

        open first 80 24; shows first attached
        keys first 'tty; stty size' Enter; shows first '^/dev/hvc0'; shows first '^24 80'; echo as it was
        keys first 'trap "stty size" WINCH; sleep 500 & wait' Enter; sleep 1
        screens resize-window -t first -x 100 -y 30; shows first '^30 100'; echo told of the change

        open second 120 40; shows second attached; keys second C-a w; shows first 'another has taken over'
        keys second 'stty size' Enter; shows second '^40 120'; echo that of who writes
        rowhouse stop one --grace 1; rowhouse wait one; echo "status $?"
        rowhouse remove one; screens kill-server; rm -r tmux
        """,
      says: ["one\n", "as it was\n", "told of the change\n", "that of who writes\n", "status 137\n"]),
  ]

  private init(onTerminals name: String, script: String, says: [String]) {
    self.init(name, script: Self.terminals + script, files: ["tmux.tar": Self.tmux], says: says)
    bootsLinux = true
  }

  /// `open NAME COLUMNS ROWS [OPTION…]` attaches on a new terminal, `keys NAME KEY…` types there, `shows NAME TEXT`
  /// waits for a text on it, `screen NAME` prints what is on it, without empty lines.
  private static let terminals = """
    tar xf tmux.tar; here=$PWD
    export LC_ALL=C.UTF-8 LOCPATH="$here/tmux/locale" TERMINFO="$here/tmux/terminfo" TERM=screen TMUX_TMPDIR="$here/tmux"
    screens() { "$here/tmux/loader" --library-path "$here/tmux" "$here/tmux/tmux" -L case -f /dev/null "$@"; }
    screens new-session -d -s case -n keep -x 80 -y 24 cat || exit
    open() {
      window=$1; size="-x $2 -y $3"; shift 3
      screens new-window -d -n $window "rowhouse console one $*; echo left with status \\$?; exec cat"
      screens resize-window -t $window $size
    }
    keys() { screens send-keys -t "$@"; }
    screen() { screens capture-pane -p -t $1 | grep -v '^$'; }
    has() { screen $1 | grep -q -- "$2"; }
    is_clear() { [ "$(screen $1 | wc -l)" -le 1 ]; }
    awaits() {
      turn=0
      until "$@"; do
        turn=$((turn + 1)); [ $turn -lt 300 ] || { echo "FAILED: never $*:"; screen $2; exit 1; }
        sleep 0.1
      done
    }
    shows() { awaits has "$1" "$2"; }
    await_clear() { awaits is_clear $1; }

    """

  /// This host's tmux with all that it needs, as an archive: the lab has nothing but busybox.
  private static let tmux: [UInt8] = {
    let script = """
      set -e; folder=$(mktemp -d); trap 'rm -r "$folder"' EXIT; mkdir -p "$folder/tmux/locale" "$folder/tmux/terminfo/s"
      program=$(command -v tmux); cp -L "$program" "$folder/tmux/tmux"
      libraries=$(ldd "$program" | sed -n 's/.*=> \\(\\/[^ ]*\\).*/\\1/p'); cp -L $libraries "$folder/tmux"
      cp -L "$(ldd "$program" | sed -n 's/^[[:space:]]*\\(\\/[^ ]*ld-[^ ]*\\) .*/\\1/p')" "$folder/tmux/loader"
      cp -rL /usr/lib/locale/C.utf8 "$folder/tmux/locale"
      for place in /lib /usr/share; do
        [ ! -e $place/terminfo/s/screen ] || cp -L $place/terminfo/s/screen "$folder/tmux/terminfo/s"
      done
      tar -C "$folder" -cf "$folder.tar" tmux; base64 < "$folder.tar"; rm "$folder.tar"
      """
    do {
      let text = try GuestRunner.run(["sh", "-c", script])
      return try #require(Data(base64Encoded: text, options: .ignoreUnknownCharacters)).map { $0 }
    } catch {
      fatalError("no tmux to bring along (make deps): \(error)")
    }
  }()
}
