import CountingAllocator
import Glibc
import Machine

// rowhouse-vmm, but for its allocator: at the end it prints how often vCPU threads have allocated.

do throws(ConfigurationError) {
  let configuration = try Configuration(arguments: Array(CommandLine.arguments.dropFirst()))
  do throws(MachineError) {
    let verdict = try Runner(configuration).run()
    print("\(vcpu_allocations()) allocations")
    exit(verdict.exitStatus)
  } catch {
    StandardError.say("\(error)")
    exit(error.exitStatus)
  }
} catch {
  StandardError.say("\(error)")
  exit(2)
}
