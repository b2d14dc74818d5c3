<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
    <context>
        <name>About</name>
        <message>
            <source>Model</source>
            <translation>模型</translation>
        </message>
        <message>
            <source>Digest</source>
            <translation>校验值</translation>
        </message>
        <message>
            <source>Trained on</source>
            <translation>训练数据</translation>
        </message>
        <message>
            <source>Sensors</source>
            <translation>传感器</translation>
        </message>
        <message>
            <source>Folder</source>
            <translation>文件夹</translation>
        </message>
        <message>
            <source>Licence</source>
            <translation>许可证</translation>
        </message>
        <message>
            <source>simulated data</source>
            <translation>模拟数据</translation>
        </message>
        <message>
            <source>real captures</source>
            <translation>真实采集数据</translation>
        </message>
        <message>
            <source>About trilume</source>
            <translation>关于 trilume</translation>
        </message>
        <message>
            <source>Libraries and their licences</source>
            <translation>使用的库及其许可证</translation>
        </message>
        <message>
            <source>A verdict is a statistical statement. Figures of a model trained on simulated data are simulated.</source>
            <translation>判定是统计性的结论。用模拟数据训练的模型，其各项指标均为模拟结果。</translation>
        </message>
    </context>
    <context>
        <name>Badge</name>
        <message>
            <source>not judged yet</source>
            <translation>尚未判定</translation>
        </message>
        <message>
            <source>Live</source>
            <translation>活体</translation>
        </message>
        <message>
            <source>Attack suspected</source>
            <translation>疑似攻击</translation>
        </message>
        <message>
            <source>Not decided</source>
            <translation>未能判定</translation>
        </message>
        <message>
            <source>Not decided: {0}</source>
            <translation>未能判定：{0}</translation>
        </message>
    </context>
    <context>
        <name>CheckRow</name>
        <message>
            <source>face</source>
            <translation>人脸</translation>
        </message>
        <message>
            <source>one face</source>
            <translation>一张人脸</translation>
        </message>
        <message>
            <source>no single face</source>
            <translation>应只有一张人脸</translation>
        </message>
        <message>
            <source>distance</source>
            <translation>距离</translation>
        </message>
        <message>
            <source>{0} m</source>
            <translation>{0} m</translation>
        </message>
        <message>
            <source>pose</source>
            <translation>姿态</translation>
        </message>
        <message>
            <source>turned {0}°</source>
            <translation>偏转 {0}°</translation>
        </message>
        <message>
            <source>lost</source>
            <translation>丢失</translation>
        </message>
        <message>
            <source>lost {0} %</source>
            <translation>丢失 {0}%</translation>
        </message>
        <message>
            <source>exposure</source>
            <translation>曝光</translation>
        </message>
        <message>
            <source>infrared</source>
            <translation>红外</translation>
        </message>
        <message>
            <source>colour</source>
            <translation>彩色</translation>
        </message>
        <message>
            <source>exposure: {0}</source>
            <translation>曝光：{0}</translation>
        </message>
    </context>
    <context>
        <name>Controls</name>
        <message>
            <source>Play</source>
            <translation>播放</translation>
        </message>
        <message>
            <source>Play or pause (Space)</source>
            <translation>播放或暂停（空格）</translation>
        </message>
        <message>
            <source>Speed (+ and −)</source>
            <translation>速度（+ 和 −）</translation>
        </message>
        <message>
            <source>Frame shown</source>
            <translation>所示帧</translation>
        </message>
        <message>
            <source>← → one frame, with Shift one second; Home, End; [ ] loop</source>
            <translation>← → 一帧，按住 Shift 为一秒；Home、End；[ ] 循环</translation>
        </message>
        <message>
            <source>Next change</source>
            <translation>下一变化</translation>
        </message>
        <message>
            <source>To the next frame with another verdict (V)</source>
            <translation>到下一个判定不同的帧（V）</translation>
        </message>
        <message>
            <source>Reason to look for</source>
            <translation>要查找的原因</translation>
        </message>
        <message>
            <source>Next with reason</source>
            <translation>下一个同原因帧</translation>
        </message>
        <message>
            <source>To the next frame with this reason (J)</source>
            <translation>到下一个具有此原因的帧（J）</translation>
        </message>
        <message>
            <source>Snapshot</source>
            <translation>截图</translation>
        </message>
        <message>
            <source>Everything shown as a picture file (S)</source>
            <translation>将所示内容存为图像文件（S）</translation>
        </message>
        <message>
            <source>Pause</source>
            <translation>暂停</translation>
        </message>
    </context>
    <context>
        <name>Gauge</name>
        <message>
            <source>{0} attack score</source>
            <translation>{0} 攻击分数</translation>
        </message>
        <message>
            <source>attack score</source>
            <translation>攻击分数</translation>
        </message>
        <message>
            <source>rejects from {0}</source>
            <translation>达到 {0} 即拒绝</translation>
        </message>
    </context>
    <context>
        <name>Keys</name>
        <message>
            <source>Live, studio, replay</source>
            <translation>实时、采集、回放</translation>
        </message>
        <message>
            <source>Start or stop the camera</source>
            <translation>启动或停止相机</translation>
        </message>
        <message>
            <source>Next person: forget the session so far</source>
            <translation>下一位：清除当前会话</translation>
        </message>
        <message>
            <source>Open a recording</source>
            <translation>打开录制文件</translation>
        </message>
        <message>
            <source>Choose the source</source>
            <translation>选择来源</translation>
        </message>
        <message>
            <source>Record a take, end it</source>
            <translation>开始或结束录制</translation>
        </message>
        <message>
            <source>Save a picture of the window</source>
            <translation>保存窗口截图</translation>
        </message>
        <message>
            <source>Full screen for the person in front of the camera</source>
            <translation>为镜头前的人全屏显示</translation>
        </message>
        <message>
            <source>Back to the operator's view</source>
            <translation>返回操作员界面</translation>
        </message>
        <message>
            <source>Replay: play, pause</source>
            <translation>回放：播放、暂停</translation>
        </message>
        <message>
            <source>Replay: one frame; with Shift one second</source>
            <translation>回放：一帧；按住 Shift 为一秒</translation>
        </message>
        <message>
            <source>Replay: first, last frame</source>
            <translation>回放：第一帧、最后一帧</translation>
        </message>
        <message>
            <source>Replay: begin, end of the loop</source>
            <translation>回放：循环起点、终点</translation>
        </message>
        <message>
            <source>Replay: faster, slower</source>
            <translation>回放：加快、减慢</translation>
        </message>
        <message>
            <source>Leave the kiosk, with the PIN</source>
            <translation>凭 PIN 码退出自助模式</translation>
        </message>
        <message>
            <source>Settings</source>
            <translation>设置</translation>
        </message>
        <message>
            <source>These keys</source>
            <translation>显示快捷键</translation>
        </message>
        <message>
            <source>Quit</source>
            <translation>退出</translation>
        </message>
        <message>
            <source>Keys</source>
            <translation>快捷键</translation>
        </message>
    </context>
    <context>
        <name>KioskWindow</name>
        <message>
            <source>trilume</source>
            <translation>trilume</translation>
        </message>
    </context>
    <context>
        <name>LiveView</name>
        <message>
            <source>Colour</source>
            <translation>彩色</translation>
        </message>
        <message>
            <source>Depth, mm</source>
            <translation>深度（毫米）</translation>
        </message>
        <message>
            <source>Infrared</source>
            <translation>红外</translation>
        </message>
        <message>
            <source>Values under the cursor</source>
            <translation>光标处的数值</translation>
        </message>
        <message>
            <source>Depth scale from</source>
            <translation>深度范围起点</translation>
        </message>
        <message>
            <source>Depth scale to</source>
            <translation>深度范围终点</translation>
        </message>
        <message>
            <source>no return</source>
            <translation>无深度值</translation>
        </message>
        <message numerus="yes">
            <source>%n mm</source>
            <translation>
                <numerusform>%n 毫米</numerusform>
            </translation>
        </message>
        <message>
            <source>x {0}   y {1}   depth {2}   IR {3}   RGB {4}</source>
            <translation>x {0}   y {1}   深度 {2}   红外 {3}   RGB {4}</translation>
        </message>
        <message>
            <source>no picture</source>
            <translation>无图像</translation>
        </message>
        <message>
            <source>the recording is over</source>
            <translation>录制文件已播放完毕</translation>
        </message>
        <message>
            <source>stopped</source>
            <translation>已停止</translation>
        </message>
        <message>
            <source>stale picture</source>
            <translation>画面未更新</translation>
        </message>
        <message>
            <source>stale picture: {0} s old</source>
            <translation>画面未更新：已 {0} 秒</translation>
        </message>
        <message>
            <source>Point at a picture to read its values. Double click shows all of it.</source>
            <translation>将光标移到画面上可读取数值。双击显示整幅画面。</translation>
        </message>
        <message>
            <source>Colour, depth and infrared</source>
            <translation>彩色、深度和红外</translation>
        </message>
        <message>
            <source>Working distance</source>
            <translation>工作距离</translation>
        </message>
        <message>
            <source>Depth scale back to the distances at which faces are judged</source>
            <translation>将深度范围恢复为判定人脸的距离</translation>
        </message>
        <message>
            <source>Depth scale</source>
            <translation>深度范围</translation>
        </message>
    </context>
    <context>
        <name>MainWindow</name>
        <message>
            <source>Not while a take is being recorded.</source>
            <translation>录制进行中，暂不可更改。</translation>
        </message>
        <message>
            <source>Next person</source>
            <translation>下一位</translation>
        </message>
        <message>
            <source>Start</source>
            <translation>启动</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>停止</translation>
        </message>
        <message>
            <source>A view has failed and stands still; the log tells why</source>
            <translation>某个视图出错并已停止更新，原因见日志</translation>
        </message>
        <message>
            <source>No picture saved: {}</source>
            <translation>未保存图像：{}</translation>
        </message>
        <message>
            <source>Saved {}</source>
            <translation>已保存 {}</translation>
        </message>
        <message>
            <source>Open a recording… (Ctrl+O)</source>
            <translation>打开录制文件…（Ctrl+O）</translation>
        </message>
        <message>
            <source>Start or stop the source (F5)</source>
            <translation>启动或停止来源（F5）</translation>
        </message>
        <message>
            <source>Forget the session so far (N)</source>
            <translation>清除当前会话（N）</translation>
        </message>
        <message>
            <source>Menu</source>
            <translation>菜单</translation>
        </message>
        <message>
            <source>Live</source>
            <translation>实时</translation>
        </message>
        <message>
            <source>What the camera sees and why it is judged so (Ctrl+1)</source>
            <translation>相机所见及判定依据（Ctrl+1）</translation>
        </message>
        <message>
            <source>Studio</source>
            <translation>采集</translation>
        </message>
        <message>
            <source>Record takes for a data set (Ctrl+2)</source>
            <translation>为数据集录制（Ctrl+2）</translation>
        </message>
        <message>
            <source>Replay</source>
            <translation>回放</translation>
        </message>
        <message>
            <source>Look at a recording frame by frame (Ctrl+3)</source>
            <translation>逐帧查看录制文件（Ctrl+3）</translation>
        </message>
        <message>
            <source>Open a recording…</source>
            <translation>打开录制文件…</translation>
        </message>
        <message>
            <source>Save a picture of the window</source>
            <translation>保存窗口截图</translation>
        </message>
        <message>
            <source>Record a take</source>
            <translation>录制</translation>
        </message>
        <message>
            <source>Full screen for the person</source>
            <translation>受检者全屏</translation>
        </message>
        <message>
            <source>Settings…</source>
            <translation>设置…</translation>
        </message>
        <message>
            <source>Keys</source>
            <translation>快捷键</translation>
        </message>
        <message>
            <source>About trilume</source>
            <translation>关于 trilume</translation>
        </message>
        <message>
            <source>Quit</source>
            <translation>退出</translation>
        </message>
        <message>
            <source>Choose the source</source>
            <translation>选择来源</translation>
        </message>
        <message>
            <source>Start or stop</source>
            <translation>启动或停止</translation>
        </message>
        <message>
            <source>Operator's view</source>
            <translation>操作员界面</translation>
        </message>
    </context>
    <context>
        <name>PatchMap</name>
        <message>
            <source>Patches of the face and their scores</source>
            <translation>人脸分块及其分数</translation>
        </message>
        <message>
            <source>patch at ({0}, {1}), {2} px: score {3}, weight α {4}</source>
            <translation>分块 ({0}, {1})，{2} 像素：分数 {3}，权重 α {4}</translation>
        </message>
        <message>
            <source>score by place</source>
            <translation>各位置分数</translation>
        </message>
        <message>
            <source>each patch, area: weight α</source>
            <translation>各分块，面积为权重 α</translation>
        </message>
    </context>
    <context>
        <name>PinPad</name>
        <message>
            <source>PIN</source>
            <translation>PIN 码</translation>
        </message>
        <message>
            <source>Enter the PIN</source>
            <translation>请输入 PIN 码</translation>
        </message>
        <message>
            <source>Delete</source>
            <translation>删除</translation>
        </message>
        <message>
            <source>OK</source>
            <translation>确定</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>取消</translation>
        </message>
        <message>
            <source>Too many wrong PINs: wait %1 s</source>
            <translation>PIN 码错误次数过多：请等待 %1 秒</translation>
        </message>
        <message>
            <source>Wrong PIN</source>
            <translation>PIN 码错误</translation>
        </message>
    </context>
    <context>
        <name>Plots</name>
        <message>
            <source>session</source>
            <translation>会话</translation>
        </message>
        <message>
            <source>frame</source>
            <translation>帧</translation>
        </message>
        <message>
            <source>Scores of the last 20 seconds</source>
            <translation>最近 20 秒的分数</translation>
        </message>
        <message>
            <source>Time per stage of the last 20 seconds</source>
            <translation>最近 20 秒各阶段耗时</translation>
        </message>
        <message>
            <source>face</source>
            <translation>人脸</translation>
        </message>
        <message>
            <source>registration</source>
            <translation>配准</translation>
        </message>
        <message>
            <source>gate</source>
            <translation>准入检查</translation>
        </message>
        <message>
            <source>depth stage</source>
            <translation>深度阶段</translation>
        </message>
        <message>
            <source>D-Net</source>
            <translation>D-Net</translation>
        </message>
        <message>
            <source>reflectance stage</source>
            <translation>反射阶段</translation>
        </message>
        <message>
            <source>M-Net</source>
            <translation>M-Net</translation>
        </message>
        <message>
            <source>The last 20 seconds</source>
            <translation>最近 20 秒</translation>
        </message>
        <message>
            <source>attack score (log odds), dashed: rejects from</source>
            <translation>攻击分数（对数几率），虚线：拒绝阈值</translation>
        </message>
        <message>
            <source>ms per frame</source>
            <translation>毫秒/帧</translation>
        </message>
    </context>
    <context>
        <name>ProtocolPanel</name>
        <message>
            <source>Open a protocol…</source>
            <translation>打开采集方案…</translation>
        </message>
        <message>
            <source>Fill in the next take</source>
            <translation>填入下一次录制</translation>
        </message>
        <message>
            <source>Progress of the protocol</source>
            <translation>采集方案进度</translation>
        </message>
        <message>
            <source>Protocol</source>
            <translation>采集方案</translation>
        </message>
        <message>
            <source>Protocols (*.toml *.csv)</source>
            <translation>采集方案 (*.toml *.csv)</translation>
        </message>
        <message>
            <source>{0} of {1} takes</source>
            <translation>{0} / {1} 次录制</translation>
        </message>
        <message>
            <source>The protocol is complete.</source>
            <translation>采集方案已完成。</translation>
        </message>
        <message>
            <source>Next: {0} ({1} of {2})</source>
            <translation>下一项：{0}（{1} / {2}）</translation>
        </message>
    </context>
    <context>
        <name>Rates</name>
        <message>
            <source>Trouble</source>
            <translation>故障</translation>
        </message>
        <message>
            <source>Frame sets that arrived from the camera</source>
            <translation>从相机收到的帧组</translation>
        </message>
        <message>
            <source>Frame sets that got a verdict</source>
            <translation>已判定的帧组</translation>
        </message>
        <message>
            <source>Frame sets that the camera lost</source>
            <translation>相机丢失的帧组</translation>
        </message>
        <message>
            <source>Frame sets that came faster than they could be judged</source>
            <translation>到达过快、未能判定的帧组</translation>
        </message>
        <message>
            <source>From the arrival of the frame set that is shown to now</source>
            <translation>从所示帧组到达至今的时间</translation>
        </message>
        <message>
            <source>camera {0} sets/s</source>
            <translation>相机 {0} 组/秒</translation>
        </message>
        <message>
            <source>judged {0} sets/s</source>
            <translation>判定 {0} 组/秒</translation>
        </message>
        <message>
            <source>lost {0}</source>
            <translation>丢失 {0}</translation>
        </message>
        <message>
            <source>passed over {0}</source>
            <translation>略过 {0}</translation>
        </message>
        <message>
            <source>age {0}</source>
            <translation>延迟 {0}</translation>
        </message>
        <message>
            <source>opening the camera</source>
            <translation>正在打开相机</translation>
        </message>
        <message>
            <source>projector not as told in {n} infrared pictures</source>
            <translation>{n} 幅红外图像中投射器状态与相机所报不符</translation>
        </message>
        <message>
            <source>waiting for the camera</source>
            <translation>正在等待相机</translation>
        </message>
        <message>
            <source>stopped after a failure</source>
            <translation>出错后已停止</translation>
        </message>
        <message>
            <source>closed</source>
            <translation>已关闭</translation>
        </message>
    </context>
    <context>
        <name>Reason</name>
        <message>
            <source>something failed inside the program</source>
            <translation>程序内部出错</translation>
        </message>
        <message>
            <source>the camera's picture is old or repeated</source>
            <translation>相机画面未更新或重复</translation>
        </message>
        <message>
            <source>colour, depth and infrared are not of the same moment</source>
            <translation>彩色、深度和红外不是同一时刻拍摄</translation>
        </message>
        <message>
            <source>no depth on the face</source>
            <translation>面部没有深度数据</translation>
        </message>
        <message>
            <source>no face in the picture</source>
            <translation>画面中没有人脸</translation>
        </message>
        <message>
            <source>more than one face in the picture</source>
            <translation>画面中有多张人脸</translation>
        </message>
        <message>
            <source>come closer</source>
            <translation>请靠近</translation>
        </message>
        <message>
            <source>step back</source>
            <translation>请后退</translation>
        </message>
        <message>
            <source>the face is too small in the picture</source>
            <translation>人脸在画面中太小</translation>
        </message>
        <message>
            <source>the face is cut off by the edge of the picture</source>
            <translation>人脸超出画面边缘</translation>
        </message>
        <message>
            <source>move to the middle of the picture</source>
            <translation>请移到画面中间</translation>
        </message>
        <message>
            <source>turn to the camera</source>
            <translation>请正对镜头</translation>
        </message>
        <message>
            <source>the depth of the face is incomplete</source>
            <translation>面部深度数据不完整</translation>
        </message>
        <message>
            <source>take off what covers the face</source>
            <translation>请取下遮挡面部的物品</translation>
        </message>
        <message>
            <source>hold still</source>
            <translation>请保持不动</translation>
        </message>
        <message>
            <source>the infrared picture is too dark</source>
            <translation>红外画面太暗</translation>
        </message>
        <message>
            <source>the infrared picture is too bright</source>
            <translation>红外画面太亮</translation>
        </message>
        <message>
            <source>turn on a light</source>
            <translation>请开灯</translation>
        </message>
        <message>
            <source>strong light from behind</source>
            <translation>背后光线太强</translation>
        </message>
        <message>
            <source>no infrared picture: the reflectance stage cannot run</source>
            <translation>没有红外画面：反射阶段无法运行</translation>
        </message>
        <message>
            <source>no colour picture: the reflectance stage cannot run</source>
            <translation>没有彩色画面：反射阶段无法运行</translation>
        </message>
        <message>
            <source>the model was not made for this sensor</source>
            <translation>模型不适用于此传感器</translation>
        </message>
        <message>
            <source>the gate is switched off: scores only</source>
            <translation>准入检查已关闭：仅给出分数</translation>
        </message>
        <message>
            <source>looking</source>
            <translation>正在检测</translation>
        </message>
        <message>
            <source>the evidence did not suffice in time</source>
            <translation>在规定时间内证据不足</translation>
        </message>
    </context>
    <context>
        <name>RecordLamp</name>
        <message>
            <source>Recording</source>
            <translation>正在录制</translation>
        </message>
        <message>
            <source>● Recording {time} · {mb} MB</source>
            <translation>● 正在录制 {time} · {mb} MB</translation>
        </message>
        <message>
            <source> · {n} lost</source>
            <translation> · 丢失 {n}</translation>
        </message>
    </context>
    <context>
        <name>ReplayView</name>
        <message>
            <source>no other verdict after this frame</source>
            <translation>此帧之后判定不再变化</translation>
        </message>
        <message>
            <source>not again after this frame</source>
            <translation>此帧之后不再出现</translation>
        </message>
        <message>
            <source>{0}: cannot be written: give another folder</source>
            <translation>{0}：无法写入，请换一个文件夹</translation>
        </message>
        <message>
            <source>saved {0}</source>
            <translation>已保存 {0}</translation>
        </message>
        <message>
            <source>frame {0} of {1}</source>
            <translation>第 {0} 帧，共 {1} 帧</translation>
        </message>
        <message>
            <source>frame {0} of {1}   {2} ms</source>
            <translation>第 {0} 帧，共 {1} 帧   {2} 毫秒</translation>
        </message>
        <message>
            <source>{0}: holds no whole frame</source>
            <translation>{0}：不含完整的帧</translation>
        </message>
        <message>
            <source>judging: {0} of {1} frames</source>
            <translation>正在判定：{0} / {1} 帧</translation>
        </message>
        <message>
            <source>simulated data</source>
            <translation>模拟数据</translation>
        </message>
        <message>
            <source>State of the recording</source>
            <translation>录制文件状态</translation>
        </message>
    </context>
    <context>
        <name>SessionBar</name>
        <message>
            <source>Evidence of this visit</source>
            <translation>本次检测的证据</translation>
        </message>
        <message>
            <source>live</source>
            <translation>活体</translation>
        </message>
        <message>
            <source>evidence of this visit</source>
            <translation>本次检测的证据</translation>
        </message>
        <message>
            <source>attack</source>
            <translation>攻击</translation>
        </message>
    </context>
    <context>
        <name>SettingsDialog</name>
        <message>
            <source>Settings</source>
            <translation>设置</translation>
        </message>
        <message>
            <source>as the desktop</source>
            <translation>跟随系统</translation>
        </message>
        <message>
            <source>dark</source>
            <translation>深色</translation>
        </message>
        <message>
            <source>light</source>
            <translation>浅色</translation>
        </message>
        <message>
            <source>a cue with every verdict</source>
            <translation>每次判定后播放提示音</translation>
        </message>
        <message>
            <source>own range</source>
            <translation>自定义范围</translation>
        </message>
        <message>
            <source>names, separated by commas</source>
            <translation>名称，用逗号分隔</translation>
        </message>
        <message>
            <source>no PIN</source>
            <translation>不设 PIN 码</translation>
        </message>
        <message>
            <source>What is wrong</source>
            <translation>错误说明</translation>
        </message>
        <message>
            <source>unchanged</source>
            <translation>保持不变</translation>
        </message>
        <message>
            <source>4 to 12 digits</source>
            <translation>4 至 12 位数字</translation>
        </message>
        <message>
            <source>depth range: the nearest must be less than the farthest</source>
            <translation>深度范围：最近值必须小于最远值</translation>
        </message>
        <message>
            <source>folder for takes: give the full path of a folder</source>
            <translation>录制文件夹：请给出文件夹的完整路径</translation>
        </message>
        <message>
            <source>PIN: give 4 to 12 digits, or none</source>
            <translation>PIN 码：请输入 4 至 12 位数字，或选择不设</translation>
        </message>
        <message>
            <source>Set by the environment or the command line</source>
            <translation>由环境变量或命令行设定</translation>
        </message>
        <message>
            <source>A folder for takes</source>
            <translation>录制文件夹</translation>
        </message>
        <message>
            <source>Save</source>
            <translation>保存</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>取消</translation>
        </message>
        <message>
            <source>Defaults</source>
            <translation>恢复默认</translation>
        </message>
        <message>
            <source>Language</source>
            <translation>语言</translation>
        </message>
        <message>
            <source>after a restart</source>
            <translation>重启后生效</translation>
        </message>
        <message>
            <source>Theme</source>
            <translation>主题</translation>
        </message>
        <message>
            <source>Sound</source>
            <translation>声音</translation>
        </message>
        <message>
            <source>Depth picture</source>
            <translation>深度图像</translation>
        </message>
        <message>
            <source>Folder for takes</source>
            <translation>录制文件夹</translation>
        </message>
        <message>
            <source>Sensors accepted as well</source>
            <translation>额外接受的传感器</translation>
        </message>
        <message>
            <source>PIN of the kiosk</source>
            <translation>自助模式 PIN 码</translation>
        </message>
    </context>
    <context>
        <name>SourceChooser</name>
        <message>
            <source>Source of the pictures</source>
            <translation>图像来源</translation>
        </message>
        <message>
            <source>Choose camera, recording or simulation (Ctrl+L)</source>
            <translation>选择相机、录制文件或模拟（Ctrl+L）</translation>
        </message>
        <message>
            <source>Choose a source</source>
            <translation>选择来源</translation>
        </message>
        <message>
            <source>Without a camera</source>
            <translation>不使用相机</translation>
        </message>
        <message>
            <source>Simulated cast: people and attacks, one after another</source>
            <translation>模拟演示：真人与攻击依次出现</translation>
        </message>
        <message>
            <source>Simulated scene</source>
            <translation>模拟场景</translation>
        </message>
        <message>
            <source>Recordings</source>
            <translation>录制文件</translation>
        </message>
        <message>
            <source>Recording from a file…</source>
            <translation>打开录制文件…</translation>
        </message>
        <message>
            <source>Cameras</source>
            <translation>相机</translation>
        </message>
        <message>
            <source>Looking for cameras…</source>
            <translation>正在查找相机…</translation>
        </message>
        <message>
            <source>{camera}: cannot be opened</source>
            <translation>{camera}：无法打开</translation>
        </message>
        <message>
            <source>No camera found</source>
            <translation>未找到相机</translation>
        </message>
        <message>
            <source>Look for cameras again</source>
            <translation>重新查找相机</translation>
        </message>
    </context>
    <context>
        <name>Sources</name>
        <message>
            <source>Living face</source>
            <translation>活体人脸</translation>
        </message>
        <message>
            <source>Flat print</source>
            <translation>平面打印照片</translation>
        </message>
        <message>
            <source>Print cut to the face</source>
            <translation>按脸形剪裁的打印照片</translation>
        </message>
        <message>
            <source>Screen</source>
            <translation>屏幕</translation>
        </message>
        <message>
            <source>Silicone mask</source>
            <translation>硅胶面具</translation>
        </message>
        <message>
            <source>Mannequin head</source>
            <translation>假人头模</translation>
        </message>
        <message>
            <source>Simulated cast</source>
            <translation>模拟演示</translation>
        </message>
        <message>
            <source>Simulated: {}</source>
            <translation>模拟：{}</translation>
        </message>
        <message>
            <source>Open a recording</source>
            <translation>打开录制文件</translation>
        </message>
        <message>
            <source>Recordings (*.mcap *.mcap.part *.bag *.db3);;All files (*)</source>
            <translation>录制文件 (*.mcap *.mcap.part *.bag *.db3);;所有文件 (*)</translation>
        </message>
    </context>
    <context>
        <name>Species</name>
        <message>
            <source>bona fide</source>
            <translation>真人 (bona fide)</translation>
        </message>
        <message>
            <source>flat print</source>
            <translation>平面打印</translation>
        </message>
        <message>
            <source>trimmed print</source>
            <translation>裁边打印</translation>
        </message>
        <message>
            <source>folded print</source>
            <translation>折叠打印</translation>
        </message>
        <message>
            <source>curved print</source>
            <translation>弯曲打印</translation>
        </message>
        <message>
            <source>wrapped print</source>
            <translation>包裹打印</translation>
        </message>
        <message>
            <source>cut-out print</source>
            <translation>挖孔打印</translation>
        </message>
        <message>
            <source>vinyl banner</source>
            <translation>乙烯基横幅</translation>
        </message>
        <message>
            <source>screen replay</source>
            <translation>屏幕翻拍</translation>
        </message>
        <message>
            <source>resin mask</source>
            <translation>树脂面具</translation>
        </message>
        <message>
            <source>plaster mask</source>
            <translation>石膏面具</translation>
        </message>
        <message>
            <source>silicone mask</source>
            <translation>硅胶面具</translation>
        </message>
        <message>
            <source>latex mask</source>
            <translation>乳胶面具</translation>
        </message>
        <message>
            <source>plastic mask</source>
            <translation>塑料面具</translation>
        </message>
        <message>
            <source>textile mask</source>
            <translation>织物面具</translation>
        </message>
        <message>
            <source>mannequin head</source>
            <translation>假人头模</translation>
        </message>
        <message>
            <source>office</source>
            <translation>办公室</translation>
        </message>
        <message>
            <source>daylight</source>
            <translation>日光</translation>
        </message>
        <message>
            <source>dim</source>
            <translation>昏暗</translation>
        </message>
        <message>
            <source>dark</source>
            <translation>黑暗</translation>
        </message>
        <message>
            <source>backlight</source>
            <translation>逆光</translation>
        </message>
        <message>
            <source>outdoors</source>
            <translation>室外</translation>
        </message>
    </context>
    <context>
        <name>StatusLine</name>
        <message>
            <source>Model {name} ({digest}), trained on {data}</source>
            <translation>模型 {name}（{digest}），训练数据：{data}</translation>
        </message>
        <message>
            <source>State</source>
            <translation>状态</translation>
        </message>
        <message>
            <source>Camera</source>
            <translation>相机</translation>
        </message>
        <message>
            <source>Model</source>
            <translation>模型</translation>
        </message>
        <message>
            <source>{camera} (simulated)</source>
            <translation>{camera}（模拟）</translation>
        </message>
        <message>
            <source>Opening…</source>
            <translation>正在打开…</translation>
        </message>
        <message>
            <source>Running</source>
            <translation>运行中</translation>
        </message>
        <message>
            <source>The camera is away; waiting for it</source>
            <translation>相机已断开，正在等待</translation>
        </message>
        <message>
            <source>The recording is over</source>
            <translation>录制文件已播放完毕</translation>
        </message>
        <message>
            <source>Stopped by a failure</source>
            <translation>因故障停止</translation>
        </message>
        <message>
            <source>Stopped</source>
            <translation>已停止</translation>
        </message>
    </context>
    <context>
        <name>StudioView</name>
        <message>
            <source>Not recorded.</source>
            <translation>未录制。</translation>
        </message>
        <message>
            <source>Take ended.</source>
            <translation>录制已结束。</translation>
        </message>
        <message>
            <source>The camera does not run: choose a source and start it.</source>
            <translation>相机未运行：请选择来源并启动。</translation>
        </message>
        <message>
            <source>The disk is too full: make room, or choose another folder.</source>
            <translation>磁盘空间不足：请腾出空间或选择其他文件夹。</translation>
        </message>
        <message>
            <source>Another camera: this set was made with {0}, not {1}. Record into a folder of its own.</source>
            <translation>相机不同：此数据集由 {0} 录制，而非 {1}。请录制到单独的文件夹。</translation>
        </message>
        <message>
            <source>Another resolution: this set has {0}, not {1}. Set the camera as it was.</source>
            <translation>分辨率不同：此数据集为 {0}，而非 {1}。请恢复相机原来的设置。</translation>
        </message>
        <message>
            <source>Another calibration than in this set. Put the rig file back, or record into another folder.</source>
            <translation>标定与此数据集不同。请恢复标定文件，或录制到其他文件夹。</translation>
        </message>
        <message>
            <source>The source has ended: so has the take.</source>
            <translation>来源已结束，录制也随之结束。</translation>
        </message>
        <message>
            <source>The disk is full: the take was ended.</source>
            <translation>磁盘已满：录制已结束。</translation>
        </message>
        <message>
            <source>Take complete.</source>
            <translation>录制完成。</translation>
        </message>
        <message>
            <source>{0}: {1} sets, {2} good, {3} lost</source>
            <translation>{0}：{1} 组，合格 {2}，丢失 {3}</translation>
        </message>
        <message>
            <source>disk: room not known</source>
            <translation>磁盘：剩余空间未知</translation>
        </message>
        <message>
            <source>disk: {0} GB free, {1} min</source>
            <translation>磁盘：剩余 {0} GB，可录 {1} 分钟</translation>
        </message>
        <message>
            <source>RECORDING   {0} s   {1} sets   {2} good   {3} lost   {4} MB</source>
            <translation>正在录制   {0} 秒   {1} 组   合格 {2}   丢失 {3}   {4} MB</translation>
        </message>
        <message>
            <source>RECORDING</source>
            <translation>正在录制</translation>
        </message>
        <message>
            <source>Finishing the take …</source>
            <translation>正在完成录制…</translation>
        </message>
        <message>
            <source>Recording in {0} …</source>
            <translation>{0} 秒后开始录制…</translation>
        </message>
        <message>
            <source>Record (R)</source>
            <translation>录制（R）</translation>
        </message>
        <message>
            <source>Not yet (R)</source>
            <translation>取消（R）</translation>
        </message>
        <message>
            <source>Stop (R)</source>
            <translation>停止（R）</translation>
        </message>
        <message>
            <source>Finishing …</source>
            <translation>正在完成…</translation>
        </message>
        <message>
            <source>What happened last</source>
            <translation>最近的操作结果</translation>
        </message>
        <message>
            <source>Begin or end a take (R)</source>
            <translation>开始或结束录制（R）</translation>
        </message>
        <message>
            <source>Not while a take is being recorded.</source>
            <translation>录制进行中，暂不可更改。</translation>
        </message>
        <message>
            <source>Takes are kept in {0}</source>
            <translation>录制保存在 {0}</translation>
        </message>
    </context>
    <context>
        <name>SubjectView</name>
        <message>
            <source>Please step in front of the camera</source>
            <translation>请站到镜头前</translation>
        </message>
        <message>
            <source>Please look at the camera</source>
            <translation>请看镜头</translation>
        </message>
        <message>
            <source>One person at a time, please</source>
            <translation>每次仅限一人</translation>
        </message>
        <message>
            <source>Please come closer</source>
            <translation>请靠近一些</translation>
        </message>
        <message>
            <source>Please step back a little</source>
            <translation>请后退一点</translation>
        </message>
        <message>
            <source>Please move to the middle</source>
            <translation>请移到中间</translation>
        </message>
        <message>
            <source>Please face the camera</source>
            <translation>请正对镜头</translation>
        </message>
        <message>
            <source>Please turn on a light</source>
            <translation>请开灯</translation>
        </message>
        <message>
            <source>Too dark: please come a little closer</source>
            <translation>太暗：请靠近一点</translation>
        </message>
        <message>
            <source>Too bright: please step back a little</source>
            <translation>太亮：请后退一点</translation>
        </message>
        <message>
            <source>Strong light behind you: please move aside</source>
            <translation>背后光线太强：请往旁边移一点</translation>
        </message>
        <message>
            <source>Please uncover your face</source>
            <translation>请露出面部</translation>
        </message>
        <message>
            <source>Please hold still</source>
            <translation>请保持不动</translation>
        </message>
        <message>
            <source>Checking – please hold still</source>
            <translation>正在检测，请保持不动</translation>
        </message>
        <message>
            <source>Live</source>
            <translation>活体检测通过</translation>
        </message>
        <message>
            <source>Attack suspected</source>
            <translation>疑似攻击</translation>
        </message>
        <message>
            <source>Not decided:</source>
            <translation>未能判定：</translation>
        </message>
        <message>
            <source>Please try again</source>
            <translation>请再试一次</translation>
        </message>
        <message>
            <source>Thank you</source>
            <translation>谢谢</translation>
        </message>
        <message>
            <source>Please wait a moment</source>
            <translation>请稍等片刻</translation>
        </message>
        <message>
            <source>One moment, please</source>
            <translation>请稍候</translation>
        </message>
        <message>
            <source>Out of order</source>
            <translation>暂停使用</translation>
        </message>
        <message>
            <source>Look at the camera. It takes a few seconds.</source>
            <translation>请看镜头，只需几秒钟。</translation>
        </message>
        <message>
            <source>You can step away now.</source>
            <translation>您可以离开了。</translation>
        </message>
        <message>
            <source>The next try will be possible shortly.</source>
            <translation>稍后即可再试。</translation>
        </message>
        <message>
            <source>The camera is being connected.</source>
            <translation>正在连接相机。</translation>
        </message>
        <message>
            <source>Please ask the staff for help.</source>
            <translation>请联系工作人员。</translation>
        </message>
        <message>
            <source>You are being recorded</source>
            <translation>正在录制</translation>
        </message>
        <message>
            <source>Nothing is stored</source>
            <translation>不会保存任何数据</translation>
        </message>
        <message>
            <source>What to do</source>
            <translation>操作提示</translation>
        </message>
        <message>
            <source>near</source>
            <translation>近</translation>
        </message>
        <message>
            <source>far</source>
            <translation>远</translation>
        </message>
        <message>
            <source>Simulated</source>
            <translation>模拟画面</translation>
        </message>
    </context>
    <context>
        <name>TakeForm</name>
        <message>
            <source>species: say what was shown</source>
            <translation>类别：请填写所展示的内容</translation>
        </message>
        <message>
            <source>A pseudonym, such as 0007: letters, digits, hyphens</source>
            <translation>代号，如 0007：字母、数字、连字符</translation>
        </message>
        <message>
            <source>The one specimen, such as print-03</source>
            <translation>具体样品，如 print-03</translation>
        </message>
        <message>
            <source>not said</source>
            <translation>未填写</translation>
        </message>
        <message>
            <source>Who records</source>
            <translation>录制人</translation>
        </message>
        <message>
            <source>Reference to the signed consent</source>
            <translation>已签署同意书的编号</translation>
        </message>
        <message>
            <source>What else is worth knowing, such as glasses</source>
            <translation>其他值得注意的情况，例如眼镜</translation>
        </message>
        <message>
            <source>such as glasses</source>
            <translation>例如眼镜</translation>
        </message>
        <message>
            <source>no limit</source>
            <translation>不限</translation>
        </message>
        <message>
            <source>subject: give a pseudonym of letters, digits and hyphens</source>
            <translation>受试者：请填写由字母、数字和连字符组成的代号</translation>
        </message>
        <message>
            <source>instrument: name the specimen of the attack</source>
            <translation>攻击工具：请填写所用样品</translation>
        </message>
        <message>
            <source>light: say how the room is lit</source>
            <translation>光照：请填写房间光照情况</translation>
        </message>
        <message>
            <source>distance: say how far the face is from the camera</source>
            <translation>距离：请填写人脸与相机的距离</translation>
        </message>
        <message>
            <source>operator: say who records</source>
            <translation>操作员：请填写录制人</translation>
        </message>
        <message>
            <source>consent: give the reference to the signed consent</source>
            <translation>同意书：请填写已签署同意书的编号</translation>
        </message>
        <message>
            <source>Subject *</source>
            <translation>受试者 *</translation>
        </message>
        <message>
            <source>Visit</source>
            <translation>轮次</translation>
        </message>
        <message>
            <source>Species *</source>
            <translation>类别 *</translation>
        </message>
        <message>
            <source>Instrument *</source>
            <translation>攻击工具 *</translation>
        </message>
        <message>
            <source>Light *</source>
            <translation>光照 *</translation>
        </message>
        <message>
            <source>Distance *</source>
            <translation>距离 *</translation>
        </message>
        <message>
            <source>Operator *</source>
            <translation>操作员 *</translation>
        </message>
        <message>
            <source>Consent *</source>
            <translation>同意书 *</translation>
        </message>
        <message>
            <source>Notes</source>
            <translation>备注</translation>
        </message>
        <message>
            <source>Until</source>
            <translation>录满</translation>
        </message>
        <message>
            <source>and good sets</source>
            <translation>且合格组数</translation>
        </message>
        <message>
            <source>attacks only</source>
            <translation>仅限攻击</translation>
        </message>
        <message>
            <source>such as print-03</source>
            <translation>例如 print-03</translation>
        </message>
        <message>
            <source>The form is complete.</source>
            <translation>表单已填完。</translation>
        </message>
    </context>
    <context>
        <name>TakeListView</name>
        <message>
            <source>No takes here yet.

Fill in the form on the left, then press R: each take appears here.</source>
            <translation>此处还没有录制内容。

请填写左侧表单，然后按 R：每次录制都会显示在这里。</translation>
        </message>
    </context>
    <context>
        <name>TakeModel</name>
        <message>
            <source>{0} s, {1} sets, {2} lost</source>
            <translation>{0} 秒，{1} 组，丢失 {2}</translation>
        </message>
        <message>
            <source>damaged</source>
            <translation>已损坏</translation>
        </message>
        <message>
            <source>interrupted</source>
            <translation>已中断</translation>
        </message>
        <message>
            <source>bad</source>
            <translation>不合格</translation>
        </message>
        <message>
            <source>name differs</source>
            <translation>名称不符</translation>
        </message>
    </context>
    <context>
        <name>TakesPanel</name>
        <message>
            <source>Takes</source>
            <translation>录制</translation>
        </message>
        <message>
            <source>Folder…</source>
            <translation>文件夹…</translation>
        </message>
        <message>
            <source>What the set can show</source>
            <translation>数据集能证明什么</translation>
        </message>
        <message>
            <source>A folder for takes</source>
            <translation>录制文件夹</translation>
        </message>
        <message>
            <source>Takes: {0}</source>
            <translation>录制：{0}</translation>
        </message>
        <message>
            <source>The set's tables are up to date.</source>
            <translation>数据集的表格已更新。</translation>
        </message>
        <message>
            <source>Delete {0} for good?</source>
            <translation>永久删除 {0}？</translation>
        </message>
        <message>
            <source>An empty folder for the good takes</source>
            <translation>用于存放合格录制的空文件夹</translation>
        </message>
        <message>
            <source>{0} good takes copied to {1}</source>
            <translation>已将 {0} 个合格录制复制到 {1}</translation>
        </message>
        <message>
            <source>wrote {0}</source>
            <translation>已写入 {0}</translation>
        </message>
        <message>
            <source>working …</source>
            <translation>处理中…</translation>
        </message>
        <message>
            <source>Labels of {0}</source>
            <translation>{0} 的标签</translation>
        </message>
        <message>
            <source>Save</source>
            <translation>保存</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>取消</translation>
        </message>
        <message>
            <source>The recording cannot be brought back.</source>
            <translation>录制文件将无法恢复。</translation>
        </message>
        <message>
            <source>Delete</source>
            <translation>删除</translation>
        </message>
        <message>
            <source>Not bad</source>
            <translation>恢复为合格</translation>
        </message>
        <message>
            <source>Mark bad</source>
            <translation>标为不合格</translation>
        </message>
        <message>
            <source>No attack takes yet: nothing can be said about APCER.</source>
            <translation>尚无攻击样本：无法评估 APCER。</translation>
        </message>
        <message>
            <source>Enough takes to show APCER ≤ {0} % for every species at 95 %.</source>
            <translation>录制数量足以在 95% 置信度下证明每类攻击的 APCER ≤ {0}%。</translation>
        </message>
        <message>
            <source>{0} more takes of {1} until APCER ≤ {2} % can be shown at 95 %; now, without an error, {3} %.</source>
            <translation>{1}：还需录制 {0} 次，才能在 95% 置信度下证明 APCER ≤ {2}%；目前即使没有错误也只能证明 {3}%。</translation>
        </message>
        <message>
            <source>Replay</source>
            <translation>回放</translation>
        </message>
        <message>
            <source>Re-label…</source>
            <translation>修改标签…</translation>
        </message>
        <message>
            <source>Delete…</source>
            <translation>删除…</translation>
        </message>
        <message>
            <source>Export…</source>
            <translation>导出…</translation>
        </message>
        <message>
            <source>Report</source>
            <translation>报告</translation>
        </message>
    </context>
    <context>
        <name>Timeline</name>
        <message>
            <source>Timeline</source>
            <translation>时间轴</translation>
        </message>
        <message>
            <source>Attack score of each frame; the line is the threshold. Click or drag to go there.</source>
            <translation>每帧的攻击分数；横线为阈值。点击或拖动可跳转。</translation>
        </message>
    </context>
    <context>
        <name>VerdictBadge</name>
        <message>
            <source>Live</source>
            <translation>活体</translation>
        </message>
        <message>
            <source>Attack suspected</source>
            <translation>疑似攻击</translation>
        </message>
        <message>
            <source>Not decided</source>
            <translation>未能判定</translation>
        </message>
        <message>
            <source>Verdict: {}</source>
            <translation>判定：{}</translation>
        </message>
    </context>
    <context>
        <name>WhyView</name>
        <message>
            <source>F1 relief</source>
            <translation>F1 起伏</translation>
        </message>
        <message>
            <source>F2 size</source>
            <translation>F2 尺寸</translation>
        </message>
        <message>
            <source>F3 angle</source>
            <translation>F3 角度</translation>
        </message>
        <message>
            <source>Depth between the nearest and the farthest point of the face</source>
            <translation>人脸最近点与最远点之间的深度</translation>
        </message>
        <message>
            <source>Depth on a fixed scale of millimetres: a shrunken face shows</source>
            <translation>固定毫米尺度的深度：缩小的人脸会显露出来</translation>
        </message>
        <message>
            <source>Angle of the surface to the plane of the face</source>
            <translation>表面与人脸平面的夹角</translation>
        </message>
        <message>
            <source>colour</source>
            <translation>彩色</translation>
        </message>
        <message>
            <source>infrared</source>
            <translation>红外</translation>
        </message>
        <message>
            <source>sum</source>
            <translation>和</translation>
        </message>
        <message>
            <source>difference</source>
            <translation>差</translation>
        </message>
        <message>
            <source>Colour as M-Net sees it</source>
            <translation>M-Net 所见的彩色图</translation>
        </message>
        <message>
            <source>Infrared as if the face were at one distance</source>
            <translation>换算到统一距离的红外图</translation>
        </message>
        <message>
            <source>Colour plus infrared</source>
            <translation>彩色加红外</translation>
        </message>
        <message>
            <source>Colour minus infrared: skin differs from paper, screens and most masks</source>
            <translation>彩色减红外：皮肤不同于纸张、屏幕和大多数面具</translation>
        </message>
        <message>
            <source>maps</source>
            <translation>深度图</translation>
        </message>
        <message>
            <source>net</source>
            <translation>网络</translation>
        </message>
        <message>
            <source>stack</source>
            <translation>堆叠</translation>
        </message>
        <message>
            <source>not asked: {0}</source>
            <translation>未调用：{0}</translation>
        </message>
        <message>
            <source>not asked</source>
            <translation>未调用</translation>
        </message>
        <message>
            <source>not asked: D-Net did not run</source>
            <translation>未调用：D-Net 未运行</translation>
        </message>
        <message>
            <source>not asked: D-Net rejects</source>
            <translation>未调用：D-Net 已拒绝</translation>
        </message>
        <message>
            <source>this visit</source>
            <translation>本次检测</translation>
        </message>
        <message>
            <source>this frame</source>
            <translation>此帧</translation>
        </message>
        <message>
            <source>Live</source>
            <translation>活体</translation>
        </message>
        <message>
            <source>Attack suspected</source>
            <translation>疑似攻击</translation>
        </message>
        <message>
            <source>Not decided</source>
            <translation>未能判定</translation>
        </message>
        <message>
            <source>{0} mm away</source>
            <translation>距离 {0} 毫米</translation>
        </message>
        <message>
            <source>yaw {0} pitch {1} roll {2}</source>
            <translation>偏航 {0} 俯仰 {1} 翻滚 {2}</translation>
        </message>
        <message>
            <source>judged in {0} ms</source>
            <translation>判定耗时 {0} 毫秒</translation>
        </message>
        <message>
            <source>1  D-Net: is it shaped like a face?</source>
            <translation>1  D-Net：形状像人脸吗？</translation>
        </message>
        <message>
            <source>2  M-Net: does it reflect like skin?</source>
            <translation>2  M-Net：反射像皮肤吗？</translation>
        </message>
        <message>
            <source>3  Session: all frames together</source>
            <translation>3  会话：综合所有帧</translation>
        </message>
        <message>
            <source>model {0}, trained on {1} data</source>
            <translation>模型 {0}，训练数据：{1}</translation>
        </message>
        <message>
            <source>M-Net by place</source>
            <translation>M-Net 各位置</translation>
        </message>
        <message>
            <source>real</source>
            <translation>真实</translation>
        </message>
        <message>
            <source>simulated</source>
            <translation>模拟</translation>
        </message>
        <message>
            <source>semi-simulated</source>
            <translation>半模拟</translation>
        </message>
    </context>
</TS>
