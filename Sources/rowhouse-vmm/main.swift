import Glibc
import Host
import Machine

/// The guest's process: arguments to configuration, configuration to verdict, verdict to exit status.
func main() -> Int32 {
  ProcessControl.shareOneHeap()
  // It needs no configuration to begin with, and takes as long as to read one. If it fails it is tried again, for what
  // is wrong then to be told: what is wrong with the arguments comes first.
  let bootstrap = try? BootstrapThread()
  do throws(ConfigurationError) {
    let configuration = try Configuration(arguments: Array(CommandLine.arguments.dropFirst()))
    do throws(MachineError) {
      return try Runner(configuration, on: bootstrap).run().exitStatus
    } catch {
      StandardError.say("\(error)")
      return error.exitStatus
    }
  } catch {
    StandardError.say("\(error)")
    return 2
  }
}

exit(main())
