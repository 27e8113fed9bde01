# Evaluates the rows of the table with real Ruby: reads JSON lines {"code", "context"} or
# {"template", "context"}, answers
# JSON lines {"value"} (what `inspect` shows) or {"error"} (the class and message of the exception).
require 'json'
require 'erb'
require 'cgi'
require 'uri'
require 'date'
require 'time'
require 'base64'
require 'digest'
require 'securerandom'
require 'stringio'

ENV['TZ'] = 'UTC'
$stdout = StringIO.new
FIXED = Time.at(1_700_000_000, 123_456).utc

class Time
  class << self
    alias_method :real_new, :new
    def now; FIXED.getlocal; end
  end
end
class Date
  def self.today; FIXED.to_date; end
end
class DateTime
  def self.now; FIXED.to_datetime; end
end

# The context's own hashes raise when [] misses a key.
class Strict < Hash
  def [](key)
    raise IndexError, "Unable to retrieve hash value for key \"#{key}\"" unless key?(key)
    super
  end
end

def strict(value)
  case value
  when Hash then value.each_with_object(Strict.new) { |(k, v), h| h.store(k, strict(v)) }
  when Array then value.map { |v| strict(v) }
  else value
  end
end

STDIN.each_line do |line|
  row = JSON.parse(line)
  scope = Object.new
  row['context'].each { |name, value| scope.instance_variable_set("@#{name}", strict(value)) }
  answer =
    begin
      if row['template']
        { value: ERB.new(row['template'], trim_mode: '-').result(scope.instance_eval { binding }) }
      else
        { value: scope.instance_eval(row['code']).inspect }
      end
    rescue Exception => error
      { error: "#{error.class}: #{error.message.lines.first.to_s.chomp}" }
    end
  STDOUT.puts(JSON.generate(answer))
end
