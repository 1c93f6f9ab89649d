/// The shell around each case. Everything in it is in busybox too, since the lab has nothing else.
enum CaseScript {
  /// What every case's script can use.
  ///
  /// `$GUESTS` has our own guests, `$LINUX` stock kernels. `await FILE TEXT` waits until a file has a text;
  /// `child_of PID` says which process another has started; `gone PID` waits until a process is no more.
  static let prelude = """
    await() { until grep -q -- "$2" "$1" 2>/dev/null; do sleep 0.02; done; }
    child_of() {
      for stat in /proc/[0-9]*/stat; do
        read -r line 2>/dev/null < "$stat" || continue
        number=${line%% *}
        set -- "$1" ${line##*) }
        [ "$3" != "$1" ] || echo "$number"
      done
    }
    gone() { while kill -0 "$1" 2>/dev/null; do sleep 0.02; done; }

    """

  /// How many seconds a case may take, many times what the slowest needs.
  static let limit: Int32 = 300

  /// Runs the case in the folder `$1` and prints what came of it, a line for each part. Whatever the case leaves
  /// behind, a file or a process of ours, is a part of it: a process is known by the folder it was started in.
  static let runner = """
    cd "$1" || exit
    mkdir -p run tmp
    export XDG_RUNTIME_DIR="$PWD/run" TMPDIR="$PWD/tmp" HOME="$PWD/tmp"
    [ -e input ] || : > input
    before=$(ls)
    timeout -s KILL \(limit) sh ./script < input > .output 2> .errors
    echo "status $?"
    echo "output $(base64 < .output | tr -d '\\n')"
    echo "errors $(base64 < .errors | tr -d '\\n')"
    [ ! -e verdict ] || echo "verdict $(base64 < verdict | tr -d '\\n')"
    rmdir run/rowhouse 2> /dev/null
    for file in $(ls; ls run tmp | grep -v : | sed '/^$/d; s,^,run/,'); do
      case " $(echo $before) verdict kept " in *" $file "*) ;; *) echo "file $file" ;; esac
    done
    for process in $(ls -l /proc/[0-9]*/cwd 2>/dev/null | sed -n "s,.* /proc/\\([0-9]*\\)/cwd -> $PWD.*,\\1,p"); do
      case $(cat "/proc/$process/comm" 2>/dev/null) in rowhouse*) echo "process $process" ;; esac
    done
    echo end

    """

  /// Runs all cases below the folder `$1`, one after the other, each with its name before it. Standard error tells a
  /// person how far it is, and how long each took: a lab runs for minutes. What is unpacked of a kernel is kept for all:
  /// a lab's files are in its memory.
  static let all = """
    export XDG_CACHE_HOME="$1.cache"
    uptime() { cut -d. -f1 /proc/uptime; }
    for folder in "$1"/*/; do
      name=$(basename "$folder")
      echo "case $name"
      printf 'in the lab: %s' "$name" >&2; start=$(uptime)
      sh "$1/runner" "$folder"
      echo ", $(($(uptime) - start)) s" >&2
    done

    """
}
